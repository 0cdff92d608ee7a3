"""Values that nobody means: of other types, shapes, dtypes, devices and ranges, and tensors that are hard to handle."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import corenet as cn

HUGE = 2**70
OTHERS: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 3,
    lambda: HUGE,
    lambda: 0.5,
    lambda: -0.5,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: 1e308,
    lambda: 1j,
    lambda: Fraction(1, 3),
    lambda: Decimal("NaN"),
    lambda: "",
    lambda: "mean",
    lambda: "no such name",
    lambda: "x\x00\n\x1b[1m",
    lambda: b"bytes",
    tuple,
    lambda: (1, "a", None),
    list,
    lambda: [0.1, [2]],
    dict,
    lambda: {"params": 3},
    lambda: {1, 2},
    object,
    lambda: int,
    lambda: lambda *_: None,
    lambda: (each for each in "ab"),
    lambda: Path("/nowhere/at/all"),
    lambda: np.ones((6, 2)),
    lambda: np.float32(0.5),
    lambda: np.array(["a", "b"]),
    lambda: torch.float16,
    lambda: torch.int64,
    lambda: torch.device("meta"),
    lambda: "cuda:99",
    lambda: torch.tensor(0.5),
    lambda: torch.tensor(float("nan")),
    lambda: torch.ones(0),
    lambda: torch.ones(6, 2),
    lambda: torch.ones(2, 3, 4),
    lambda: torch.arange(6),
    lambda: torch.ones(6, 2, dtype=torch.bool),
    lambda: torch.ones(6, 2, dtype=torch.complex64),
    lambda: torch.ones(6, 2, device="meta"),
    lambda: torch.eye(6).to_sparse(),
    lambda: (torch.ones(6, 2), torch.ones(5, 1)),
    lambda: [torch.ones(2)],
    lambda: cn.Linear(3, 4),
    lambda: cn.Linear,
    cn.ReLU,
    cn.BCELoss,
    lambda: cn.SGD(cn.Linear(1, 1).parameters(), lr=0.1),
    lambda: cn.data.Dataset(torch.ones(3, 5), torch.ones(3, 4)),
    lambda: cn.Parameter(torch.ones(2, 2)),
    cn.History,
    cn.Accuracy,
    lambda: cn.StepSchedule(2),
]


def _inference(tensor: Tensor) -> Tensor:
    with torch.inference_mode():
        return tensor.clone()


def _read_only(tensor: Tensor) -> Tensor:
    array = tensor.numpy().copy()
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, that it cannot keep to that
        return torch.from_numpy(array)


# What has the same numbers gives the same result, or is refused.
SAME: dict[str, Callable[[Tensor], Tensor]] = {
    "as a view with strides": lambda each: each.repeat_interleave(2, -1)[..., ::2] if each.dim() else each,
    "transposed in memory": lambda each: (
        each.transpose(0, -1).contiguous().transpose(0, -1) if each.dim() > 1 else each
    ),
    "from inference mode": _inference,
    "read-only": _read_only,
    "that requires a gradient": lambda each: each.clone().requires_grad_() if each.is_floating_point() else each,
    "as a parameter": lambda each: cn.Parameter(each.clone()) if each.is_floating_point() else cn.Buffer(each.clone()),
    "within other memory": lambda each: torch.cat([each.flatten(), each.flatten()])[: each.numel()].view(each.shape),
}
OTHER: dict[str, Callable[[Tensor], Any]] = {
    "of no rows": lambda each: each[:0] if each.dim() else each.new_zeros(0),
    "of one row fewer": lambda each: each[1:] if each.dim() else each,
    "of one column more": lambda each: torch.cat([each, each[..., :1]], -1) if each.dim() else each,
    "with a dimension more": lambda each: each[None],
    "with a dimension fewer": lambda each: each[0] if each.dim() and len(each) else each,
    "with NaN": lambda each: torch.full_like(each, float("nan")) if each.is_floating_point() else each * -1,
    "with an infinity": lambda each: torch.full_like(each, float("-inf")) if each.is_floating_point() else each + 2**40,
    "huge": lambda each: each * 1e38 if each.is_floating_point() else each * 2**50,
    "in float64": Tensor.double,
    "in float16": Tensor.half,
    "in integers": Tensor.long,
    "in booleans": Tensor.bool,
    "complex": lambda each: each.to(torch.complex64),
    "on meta": lambda each: each.to("meta"),
    "sparse": lambda each: each.to_sparse() if each.dim() else each,
    "as a list": Tensor.tolist,
    "as an array": Tensor.numpy,
    "one element expanded": lambda each: each.flatten()[:1].expand(each.numel()).view(each.shape),
}


def wrong(value: Any, draw: random.Random) -> tuple[str, Any]:
    """Return in words and in fact what is given in the place of ``value``."""
    tensors = isinstance(value, Tensor) and not value.is_sparse
    if tensors and draw.random() < 0.6:
        changes = SAME if draw.random() < 0.4 else OTHER
        name = draw.choice(sorted(changes))
        return name, changes[name](value)
    other = draw.choice(OTHERS)()
    return shown(other), other


def shown(value: Any) -> str:
    """Return a value in a few words."""
    if isinstance(value, Tensor):
        return f"{type(value).__name__} {value.dtype} {tuple(value.shape)} {value.device} {value.layout}"
    return f"{type(value).__name__} {' '.join(repr(value).split()):.60}"
