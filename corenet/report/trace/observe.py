"""Watching a training step: what goes into each layer and what comes out, forward and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import gradient
from corenet.contracts.sequential import Sequential


@dataclass
class Seen:
    """Copies of what passed through one layer in one step; None where nothing did.

    ``grad_parameters`` is what this layer added to each gradient.
    """

    path: str
    module: Module
    input: Tensor | None = None
    output: Tensor | None = None
    grad_output: Tensor | None = None
    grad_input: Tensor | None = None
    grad_parameters: dict[str, Tensor] = field(default_factory=dict)


def layers(model: Module, path: str = "") -> Iterator[tuple[str, Module]]:
    """Yield ``(path, module)`` for the modules that a chain of chains applies, in forward order.

    >>> import corenet as cn
    >>> [path for path, _ in layers(cn.Sequential(cn.ReLU(), cn.Sequential(cn.Tanh(), cn.ReLU())))]
    ['0', '1.0', '1.1']
    """
    if not isinstance(model, Sequential):
        yield path, model
        return
    for index, module in enumerate(model):
        yield from layers(module, f"{path}.{index}" if path else str(index))


@contextmanager
def watching(model: Module) -> Iterator[list[Seen]]:
    """Record what passes through each layer of ``model``, which computes as always.

    >>> import corenet as cn, torch
    >>> model = cn.Sequential(cn.ReLU(), cn.Tanh())
    >>> with watching(model) as seen:
    ...     output = model(torch.tensor([-1.0]))
    >>> seen[1].input
    tensor([0.])
    """
    seen = [Seen(path, module) for path, module in layers(model)]
    own = [dict(vars(each.module)) for each in seen]
    for each in seen:
        # On the instance and past its __setattr__: calls from outside, and only they, meet the observer first.
        vars(each.module).update(
            forward=_forward(each), backward=_backward(each), backward_parameters=_backward_parameters(each)
        )
    try:
        yield seen
    finally:
        for each, before in zip(seen, own, strict=True):
            _put_back(each.module, before)


def _forward(seen: Seen) -> Callable[[Tensor], Tensor]:
    forward = seen.module.forward

    def watched(input: Tensor) -> Tensor:
        seen.input = input.clone()
        output = forward(input)
        seen.output = output.clone()
        return output

    return watched


def _backward(seen: Seen) -> Callable[..., Tensor]:
    backward = seen.module.backward

    def watched(grad_output: Tensor, **options: Any) -> Tensor:
        with _added(seen, grad_output):
            grad_input = backward(grad_output, **options)
        seen.grad_input = grad_input.clone()
        return grad_input

    return watched


def _backward_parameters(seen: Seen) -> Callable[[Tensor], None]:
    backward_parameters = seen.module.backward_parameters

    def watched(grad_output: Tensor) -> None:
        with _added(seen, grad_output):
            backward_parameters(grad_output)

    return watched


@contextmanager
def _added(seen: Seen, grad_output: Tensor) -> Iterator[None]:
    """Record what is added to the gradients; of a backward within a backward the outer one has the last word."""
    seen.grad_output = grad_output.clone()
    before = {name: gradient(parameter).clone() for name, parameter in seen.module.named_parameters()}
    yield
    for name, parameter in seen.module.named_parameters():
        seen.grad_parameters[name] = gradient(parameter) - before[name]


def _put_back(module: Module, before: dict[str, Any]) -> None:
    for name in ("forward", "backward", "backward_parameters"):
        del vars(module)[name]
        if name in before:
            vars(module)[name] = before[name]
