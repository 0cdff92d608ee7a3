"""Observing a training step: what goes into each layer and what comes out, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import gradient
from corenet.contracts.sequential import Sequential
from corenet.contracts.several import Tensors, each_of


@dataclass
class Observation:
    """Copies of the tensors that passed through one layer in one step, one or several; none where none did.

    Integers have None for a gradient. ``grad_parameters`` is what this layer added to each gradient.
    """

    path: str
    module: Module
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    grad_outputs: tuple[Tensor | None, ...] = ()
    grad_inputs: tuple[Tensor | None, ...] = ()
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
    >>> observed[1].inputs
    (tensor([0.]),)
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


def _forward(observation: Observation) -> Callable[..., Tensors]:
    forward = observation.module.forward

    def observed(*inputs: Tensor) -> Tensors:
        observation.inputs = tuple(each.clone() for each in inputs)
        output: Tensors = forward(*inputs)
        observation.outputs = tuple(each.clone() for each in each_of(output))
        return output

    return observed


def _backward(observation: Observation) -> Callable[..., Any]:
    backward = observation.module.backward

    def observed(*grad_outputs: Tensor | None, **options: Any) -> Any:
        with _record_added(observation, grad_outputs):
            result = backward(*grad_outputs, **options)
        observation.grad_inputs = _copies(result if isinstance(result, tuple) else (result,))
        return result

    return observed


def _backward_parameters(observation: Observation) -> Callable[..., None]:
    backward_parameters = observation.module.backward_parameters

    def observed(*grad_outputs: Tensor | None) -> None:
        with _record_added(observation, grad_outputs):
            backward_parameters(*grad_outputs)

    return observed


@contextmanager
def _record_added(observation: Observation, grad_outputs: Sequence[Tensor | None]) -> Iterator[None]:
    """Record what is added to the gradients; of a backward within a backward, what the outer one added."""
    observation.grad_outputs = _copies(grad_outputs)
    before = {name: gradient(parameter).clone() for name, parameter in observation.module.named_parameters()}
    yield
    for name, parameter in observation.module.named_parameters():
        observation.grad_parameters[name] = gradient(parameter) - before[name]


def _copies(tensors: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
    return tuple(each if each is None else each.clone() for each in tensors)


def _restore(module: Module, before: dict[str, Any]) -> None:
    for name in ("forward", "backward", "backward_parameters"):
        vars(module).pop(name, None)  # an interrupt may come before it was set
        if name in before:
            vars(module)[name] = before[name]
