"""Inputs on which the components of this package are checked."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor


def normal(*shapes: tuple[int, ...]) -> Callable[[Generator], tuple[Tensor, ...]]:
    """Return a function that draws tensors of these shapes from the standard normal.

    >>> [tuple(each.shape) for each in normal((2, 3), (4,))(torch.Generator())]
    [(2, 3), (4,)]
    """
    return lambda generator: tuple([torch.randn(shape, generator=generator) for shape in shapes])
