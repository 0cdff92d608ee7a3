"""Parameters and buffers: plain tensors with a mark that says which they are.

``Parameter(t)`` gives a plain ``torch.Tensor`` with a mark, not an instance of a
subclass: a subclass costs about a microsecond in every operation, and its ``.grad``
cannot be traced by ``torch.compile``. ``isinstance`` reads the mark.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from corenet.errors import DTypeError


class _Marked(type(Tensor)):  # type: ignore[misc]  # the metaclass of Tensor has no public name
    def __instancecheck__(cls, value: object) -> bool:
        return getattr(value, "_corenet_mark", None) is cls


class Parameter(Tensor, metaclass=_Marked):
    """A trained tensor: a copy of ``tensor`` with a zero ``.grad`` of its shape beside it.

    Assigned to an attribute of a :class:`~corenet.Module`, it is found by
    ``parameters()``, saved by ``state_dict()`` and written by the optimizer.

    Raises:
        DTypeError: ``tensor`` does not hold floating-point numbers.

    >>> weight = Parameter(torch.ones(2, 3))
    >>> weight.grad.shape
    torch.Size([2, 3])
    >>> isinstance(weight, Parameter), type(weight)
    (True, <class 'torch.Tensor'>)
    """

    grad: Tensor

    def __new__(cls, tensor: Tensor) -> Self:
        parameter = _mark(tensor, cls)
        if not parameter.is_floating_point():
            raise DTypeError(f"a Parameter has a gradient, so it needs a floating dtype, not {tensor.dtype}")
        gradient(parameter)
        return parameter  # type: ignore[return-value]


class Buffer(Tensor, metaclass=_Marked):
    """A tensor that a module keeps and saves but does not train, such as a running mean.

    >>> Buffer(torch.zeros(3)).grad is None
    True
    """

    def __new__(cls, tensor: Tensor) -> Self:
        return _mark(tensor, cls)  # type: ignore[return-value]


def gradient(parameter: Tensor) -> Tensor:
    """Return ``parameter.grad``, made (of zeros) if there is none."""
    if parameter.grad is None:
        with torch.inference_mode(False):
            parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def is_frozen(parameter: Tensor) -> bool:
    """Tell whether no optimizer may change a parameter."""
    return getattr(parameter, "_corenet_frozen", False)


def set_frozen(parameter: Tensor, frozen: bool) -> None:
    """Let optimizers leave a parameter alone, or change it again."""
    if is_frozen(parameter) != frozen:
        parameter._corenet_frozen = frozen  # type: ignore[attr-defined]
        _Freezes.count += 1


def freezes() -> int:
    """Return how often any parameter was frozen or let go: until it changes, nobody need look for frozen ones again."""
    return _Freezes.count


class _Freezes:
    count = 0


def _mark(tensor: Tensor, kind: type) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise DTypeError(f"{kind.__name__} takes a torch.Tensor, got {type(tensor).__name__}")
    if tensor.layout != torch.strided:
        raise DTypeError(f"{kind.__name__} takes a dense tensor, not {tensor.layout}; use .to_dense()")
    with torch.inference_mode(False):  # a tensor made in inference mode could not be changed outside of it
        copy = tensor.detach().clone(memory_format=torch.contiguous_format)
    copy._corenet_mark = kind  # type: ignore[attr-defined]
    return copy
