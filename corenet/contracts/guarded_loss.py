"""A loss's calls and results, checked: what it may be given, and what its backward returns."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from corenet.contracts.several import each_of
from corenet.contracts.unusable import refuse_unusable
from corenet.errors import BackwardError, ConfigError, CorenetError, DTypeError, ShapeError

if TYPE_CHECKING:
    from corenet.contracts.loss import Loss

TAKES = "takes (input, target); several outputs or targets are a tuple"


def guarded(backward: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return ``backward`` with its result checked: if its shape is not the input's, input and target were broadcast."""

    @wraps(backward)
    def checked(self: Loss) -> Any:
        gradient, shapes = backward(self), self._input_shape
        if type(gradient) is not Tensor or (shapes is not None and (gradient.shape,) != shapes):
            _refuse_misfits(self, gradient, shapes)
        return gradient

    return checked


def of_outputs(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a method that reads a model's output, with what is no output named where the method fails on it."""

    @wraps(method)
    def checked(self: Loss, output: Any) -> Any:
        try:
            return method(self, output)
        except Exception as error:
            if isinstance(error, CorenetError):
                raise
            outputs = each_of(output)
            refuse_unusable(self, outputs)
            what = " and ".join(f"{each.dtype} {tuple(each.shape)}" for each in outputs)
            raise DTypeError(f"{self!r} cannot read an output of {what}: {error}") from error

    return checked


def _refuse_misfits(loss: Loss, found: Any, shapes: tuple[torch.Size, ...] | None) -> None:
    """Raise unless ``found`` is a gradient for each output of the model, of its shape."""
    gradients = each_of(found)
    for gradient in gradients:
        if not isinstance(gradient, Tensor):
            raise no_tensor("backward", loss, gradient)
    if shapes is not None and len(gradients) != len(shapes):
        expected = f"the model gave {len(shapes)}; return a tuple with a gradient for each"
        raise BackwardError(f"{loss!r}: backward returns {len(gradients)} gradients, and {expected}")
    for place, (gradient, shape) in enumerate(zip(gradients, shapes or (), strict=False)):
        if gradient.shape != shape:
            which = "the gradient" if len(gradients) == 1 else f"the gradient of output {place}"
            raise ShapeError(f"{loss!r}: {which}", gradient.shape, f"expected the input's shape {tuple(shape)}")


def no_tensor(method: str, loss: Loss, found: object) -> DTypeError:
    """Return the error of a method that gives something else than a tensor."""
    hint = "; leave out .item()" if isinstance(found, float) else ""
    return DTypeError(f"{loss!r}: {method} returns {type(found).__name__}, not a tensor{hint}")


def refuse_another_forward(loss: Loss) -> None:
    """Raise :class:`~corenet.ConfigError` if a forward takes other arguments than an input and a target."""
    taken = signature(loss.forward)
    try:
        taken.bind("input", "target")
    except TypeError as error:
        raise ConfigError(f"{loss!r} {TAKES}; its forward takes {', '.join(taken.parameters)}") from error


def explained(*_: object, **__: object) -> None:
    """Say what to write in place of what PyTorch's losses are asked."""
    raise BackwardError("a loss is a number without a history: after loss(output, target) write loss.backward()")
