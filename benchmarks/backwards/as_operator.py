"""An autograd.Function as a custom operator, with the same forward and backward."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_NUMBERS = itertools.count()
_TYPES = {float: "float", int: "int", bool: "bool"}


class Context:
    """What forward and backward of an autograd.Function are given, by hand."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Tensor, ...] = ()

    def save_for_backward(self, *tensors: Tensor) -> None:
        self.saved_tensors = tensors


def as_operator(function: Any, args: Sequence[Any]) -> Any:
    """Return a ``torch.library`` operator that computes what the function does on such arguments."""
    takes = ", ".join(f"{_type(each)} x{place}" for place, each in enumerate(args))

    def forward(*given: Any) -> Tensor:
        with _NoIdleCasts():
            return function.forward(Context(()), *given).clone()

    operator = torch.library.custom_op(
        f"corpus::{function.__name__.lower()}_{next(_NUMBERS)}",
        forward,
        mutates_args=(),
        schema=f"({takes}) -> Tensor",
    )
    operator.register_fake(forward)
    operator.register_autograd(_backward(function), setup_context=_saved(function))
    return operator


def _saved(function: Any) -> Any:
    def setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        by_hand = Context(())
        with torch.no_grad(), _NoIdleCasts():
            function.forward(by_hand, *inputs)
        saved = [output if _is_same(each, output) else each for each in by_hand.saved_tensors]
        ctx.save_for_backward(*saved)
        ctx.kept = {name: value for name, value in vars(by_hand).items() if name not in vars(Context(()))}

    return setup


def _backward(function: Any) -> Any:
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        by_hand = Context(tuple(ctx.needs_input_grad))
        by_hand.saved_tensors = ctx.saved_tensors
        vars(by_hand).update(ctx.kept)
        with _NoIdleCasts():
            return function.backward(by_hand, grad_output)

    return backward


class _NoIdleCasts(TorchFunctionMode):
    """Leaves out ``.float()`` and ``.to(dtype)`` that change nothing: opcheck accuses what returns its argument."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        wanted = {Tensor.float: torch.float32, Tensor.to: args[1] if len(args) > 1 else None}.get(function)
        if wanted is not None and args[0].dtype == wanted:
            return args[0]
        return function(*args, **(kwargs or {}))


def _is_same(saved: Tensor, output: Tensor) -> bool:
    return saved.shape == output.shape and saved.dtype == output.dtype and saved is output


def _type(value: Any) -> str:
    return "Tensor" if isinstance(value, Tensor) else _TYPES[type(value)]
