"""Observing a training step: what goes into each layer and what comes out, forward and backward."""

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
class Observation:
    """Copies of the tensors that passed through one layer in one step; None where none did.

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
    """Yield ``(path, module)`` for each layer in forward order: the modules of a ``Sequential`` and of those within it.

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
def observe(model: Module) -> Iterator[list[Observation]]:
    """Record what passes through each layer of ``model``, which computes the same as without.

    >>> import corenet as cn, torch
    >>> model = cn.Sequential(cn.ReLU(), cn.Tanh())
    >>> with observe(model) as observed:
    ...     output = model(torch.tensor([-1.0]))
    >>> observed[1].input
    tensor([0.])
    """
    observed = [Observation(path, module) for path, module in layers(model)]
    attributes = [dict(vars(each.module)) for each in observed]
    try:
        for each in observed:
            # On the instance and past its __setattr__: calls from outside, and only they, reach the observer first.
            vars(each.module).update(
                forward=_forward(each), backward=_backward(each), backward_parameters=_backward_parameters(each)
            )
        yield observed
    finally:
        for each, before in zip(observed, attributes, strict=True):
            _restore(each.module, before)


def _forward(observation: Observation) -> Callable[[Tensor], Tensor]:
    forward = observation.module.forward

    def observed(input: Tensor) -> Tensor:
        observation.input = input.clone()
        output: Tensor = forward(input)
        observation.output = output.clone()
        return output

    return observed


def _backward(observation: Observation) -> Callable[..., Tensor]:
    backward = observation.module.backward

    def observed(grad_output: Tensor, **options: Any) -> Tensor:
        with _record_added(observation, grad_output):
            grad_input: Tensor = backward(grad_output, **options)
        observation.grad_input = grad_input.clone()
        return grad_input

    return observed


def _backward_parameters(observation: Observation) -> Callable[[Tensor], None]:
    backward_parameters = observation.module.backward_parameters

    def observed(grad_output: Tensor) -> None:
        with _record_added(observation, grad_output):
            backward_parameters(grad_output)

    return observed


@contextmanager
def _record_added(observation: Observation, grad_output: Tensor) -> Iterator[None]:
    """Record what is added to the gradients; of a backward within a backward, what the outer one added."""
    observation.grad_output = grad_output.clone()
    before = {name: gradient(parameter).clone() for name, parameter in observation.module.named_parameters()}
    yield
    for name, parameter in observation.module.named_parameters():
        observation.grad_parameters[name] = gradient(parameter) - before[name]


def _restore(module: Module, before: dict[str, Any]) -> None:
    for name in ("forward", "backward", "backward_parameters"):
        vars(module).pop(name, None)  # an interrupt may come before it was set
        if name in before:
            vars(module)[name] = before[name]
