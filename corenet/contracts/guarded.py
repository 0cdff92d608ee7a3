"""A forward's and a backward's arguments and results, checked.

An argument of another shape might broadcast, one of another dtype convert, a forgotten ``return`` go unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Signature, signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from corenet.contracts.saved import has_saved
from corenet.contracts.unusable import refuse_unusable
from corenet.errors import BackwardError, CorenetError, DTypeError, ShapeError, StructureError

if TYPE_CHECKING:
    from corenet.contracts.module import Module

Form = tuple[torch.Size, torch.dtype]


def guarded(name: str, backward: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method ``backward``, called ``name``, with its arguments and its result checked."""

    @wraps(backward)
    def checked(self: Module, grad_output: Tensor | None, *others: Tensor | None, **options: Any) -> Any:
        saved = self._saved
        if saved is not None and saved.outputs is not None:
            fits = type(grad_output) is Tensor and ((grad_output.shape, grad_output.dtype),) == saved.outputs
            if others or not fits:
                refuse_misfits(self, (grad_output, *others), saved.outputs)
            saved.outputs = None  # a backward inside this one is of another output
            if is_half and self._half_is_older:
                return self.backward(grad_output, *others)
        try:
            if others or options:
                grad_inputs = backward(self, grad_output, *others, **options)
            else:
                grad_inputs = backward(self, grad_output)  # which Python calls faster than with stars
        except Exception as error:
            if not isinstance(error, CorenetError):
                refuse_unusable(self, [each for each in (grad_output, *others) if each is not None])
            raise
        if not is_half and (type(grad_inputs) is not Tensor or self._have_gradients != (True,)) and not options:
            refuse_result(self, grad_inputs, self._have_gradients)
        if self._repeats:
            refuse_left_over(self)
        return grad_inputs

    is_half = name == "backward_parameters"
    return checked


def refuse_misfits(module: Module, grad_outputs: Sequence[Tensor | None], outputs: Sequence[Form]) -> None:
    """Raise unless there is a gradient for each output, of its shape and dtype; None for one of integers."""
    if len(grad_outputs) != len(outputs):
        raise BackwardError(
            f"backward of {module!r} takes {_counted(len(outputs), 'gradient')}, one for each output, "
            f"got {len(grad_outputs)}"
        )
    for place, (grad_output, (shape, dtype)) in enumerate(zip(grad_outputs, outputs, strict=True)):
        which = f" for output {place}" if len(outputs) > 1 else ""
        if grad_output is None and not _is_differentiable(dtype):
            continue
        if not isinstance(grad_output, Tensor):
            raise DTypeError(f"backward of {module!r} takes a torch.Tensor{which}, got {_kind(grad_output)}")
        if grad_output.shape != shape:
            expected = f"expected the output's shape {tuple(shape)}"
            raise ShapeError(f"backward of {module!r}{which}", grad_output.shape, expected)
        if grad_output.dtype != dtype:
            raise DTypeError(
                f"backward of {module!r} got a {grad_output.dtype} gradient for its {dtype} output"
                f"{f' {place}' if which else ''}; use grad_output.to({dtype})"
            )


def refuse_result(module: Module, grad_inputs: object, have_gradients: Sequence[bool]) -> None:
    """Raise unless a backward returned a gradient for each input that has one, and None for the others."""
    if len(have_gradients) == 1:
        if have_gradients[0] and not isinstance(grad_inputs, Tensor):
            raise DTypeError(f"{module!r}: backward returns {_kind(grad_inputs)}, not a tensor")
        if not have_gradients[0] and grad_inputs is not None:
            raise DTypeError(
                f"{module!r}: backward returns {_kind(grad_inputs)} for an input that has no gradient; return None"
            )
        return
    if not isinstance(grad_inputs, tuple) or len(grad_inputs) != len(have_gradients):
        count = f"a tuple of {len(grad_inputs)}" if isinstance(grad_inputs, tuple) else _kind(grad_inputs)
        expected = f"a tuple of {len(have_gradients)} gradients, one for each input"
        raise BackwardError(f"{module!r}: backward returns {count}, expected {expected}")
    for place, (gradient, has_gradient) in enumerate(zip(grad_inputs, have_gradients, strict=True)):
        if isinstance(gradient, Tensor) is not has_gradient:
            raise BackwardError(
                f"{module!r}: backward returns {_kind(gradient)} for input {place}, "
                + ("which has a gradient: return a tensor" if has_gradient else "which has no gradient: return None")
            )


def refuse_left_over(module: Module) -> None:
    """Raise if one of the modules that it runs several times was not run backward as often as forward."""
    for repeated in module._repeats:
        for path, each in repeated.named_modules():
            if has_saved(each):
                module.forget()
                raise BackwardError(
                    f"{module!r}: its backward ran {each!r}{f' ({path})' if path else ''} backward less often than "
                    "its forward ran it forward; one backward belongs to each forward, the last one first"
                )


def refuse_count(module: Module, inputs: Sequence[object]) -> None:
    """Raise if a module's forward takes another number of inputs; asked only once something went wrong."""
    takes = signature(module.forward)
    try:
        takes.bind(*inputs)
    except TypeError:
        count = _counted(len(inputs), "input")
        raise StructureError(f"{module!r} got {count}, its forward takes {_without_types(takes)}") from None


def _without_types(takes: Signature) -> Signature:
    names = [each.replace(annotation=Signature.empty) for each in takes.parameters.values()]
    return takes.replace(parameters=names, return_annotation=Signature.empty)


def forms_of(module: Module, output: object) -> tuple[Form, ...]:
    """Return the shape and dtype of each output of a module.

    Raises:
        DTypeError: it is no tensor, nor a tuple of tensors.
    """
    tensors = output if isinstance(output, tuple) else (output,)
    if tensors and all(isinstance(each, Tensor) for each in tensors):
        return tuple((each.shape, each.dtype) for each in tensors)
    module.forget()
    hint = " or a tuple of tensors" if isinstance(output, (list, tuple)) else ""
    raise DTypeError(f"{module!r}: forward returns {type(output).__name__}, not a tensor{hint}")


def _is_differentiable(dtype: torch.dtype) -> bool:
    return dtype.is_floating_point or dtype.is_complex


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
