"""One tensor or several: what a module takes and gives, what a data set holds."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from corenet.errors import DTypeError

Tensors = Tensor | tuple[Tensor, ...]


def each_of(value: Tensors) -> tuple[Tensor, ...]:
    """Return the tensors of ``value``, one or several.

    >>> import torch
    >>> len(each_of(torch.ones(3))), len(each_of((torch.ones(3), torch.ones(3))))
    (1, 2)
    """
    return value if isinstance(value, tuple) else (value,)


def refuse_several(owner: object, name: str, value: object) -> None:
    """Raise :class:`~corenet.DTypeError` if a tuple is given to a loss of one output.

    >>> import corenet as cn, torch
    >>> refuse_several(cn.MSELoss(), "input", (torch.ones(3), torch.ones(3)))
    Traceback (most recent call last):
    corenet.errors.DTypeError: MSELoss() takes one tensor as input, got a tuple of 2; a loss for each is ...
    """
    if isinstance(value, tuple):
        text = f"{owner!s} takes one tensor as {name}, got a tuple of {len(value)}"
        raise DTypeError(f"{text}; a loss for each is JointLoss of the plugin corenet-containers")


def like(form: Tensors, tensors: tuple[Tensor, ...]) -> Tensors:
    """Return tensors in the form of another value: a tuple, or the only one by itself."""
    return tensors if isinstance(form, tuple) else tensors[0]


def rows(value: Tensors, part: slice) -> Tensors:
    """Return some rows of a tensor, or of each of a tuple."""
    return mapped(lambda tensor: tensor[part], value)


def count(value: Tensors) -> int:
    """Return how many rows a tensor has, or the first of a tuple."""
    return len(value[0]) if isinstance(value, tuple) else len(value)


def mapped(function: Callable[[Tensor], Tensor], value: Tensors) -> Tensors:
    """Return ``function`` of a tensor, or of each of a tuple."""
    return tuple(map(function, value)) if isinstance(value, tuple) else function(value)
