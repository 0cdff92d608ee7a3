"""How far a recorded step carries rounding: where the terms of a gradient cancel out, rounding is all that is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from corenet.training.engines.recording.restore import restored

NUDGES = 5  # of which the second least counts: some turn a rectifier the other way, in one all may cancel out again


def sensitivity(compute: Callable[[], Sequence[Tensor]], moved: Sequence[Tensor]) -> list[float]:
    """Return how far each result of ``compute`` moves where the tensors in ``moved`` are moved by one rounding.

    ``compute`` is called several times, so it must be of tensors alone and leave no trace; it may have no result.

    >>> x = torch.linspace(1, 2, 11)
    >>> y = x.clone()
    >>> far, near = sensitivity(lambda: [1e6 * (x - y).abs().sum(), x.mean()], [x])
    >>> 1 < far < 3, near < 1e-6
    (True, True)
    """
    found = [each.clone() for each in compute()]
    far = []
    for number in range(NUDGES):
        with _nudged(moved, number):
            far.append([_apart(*pair) for pair in zip(compute() or found, found, strict=True)])
    return [sorted(each)[1] for each in zip(*far, strict=True)]


@contextmanager
def _nudged(tensors: Sequence[Tensor], number: int) -> Iterator[None]:
    """Move every element by a rounding, up or down as ``number`` draws; put all back afterwards."""
    generator = torch.Generator().manual_seed(number)
    with restored(tensors):
        for tensor in tensors:
            if tensor.is_floating_point():
                ups = torch.randint(2, tensor.shape, generator=generator).to(tensor)
                tensor.mul_(1 + torch.finfo(tensor.dtype).eps * (2 * ups - 1))
        yield


def _apart(one: Tensor, other: Tensor) -> float:
    if not (one.numel() and one.is_floating_point()):
        return 0.0
    return float((one - other).abs().nan_to_num(0, 0, 0).max())
