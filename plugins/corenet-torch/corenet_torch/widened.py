"""Casts to float32 left out, so that a function which upcasts within is judged in float64 all the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


def widened(widens: bool) -> AbstractContextManager[Any]:
    """Return what lets every cast to float32, and every tensor made in it, be of float64, if it is asked to.

    Kernels for 16 bits compute in float32 within. Given float64, their casts would leave too few digits to judge by.
    """
    return _Widened() if widens else nullcontext()  # type: ignore[no-untyped-call]  # torch's


class _Widened(TorchDispatchMode):
    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if given.get("dtype") is torch.float32:
            given["dtype"] = torch.float64
        return func(*args, **given)
