"""What every module promises to the engines: no autograd, and torch.compile and torch.vmap can run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.several import each_of
from corenet.contracts.substitute import substituted_tensors
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_contract import FUNCTION
from corenet.testing.gradcheck.outputs import Outputs
from corenet.testing.support.forward_backward import (
    ForwardBackward,
    Upstreams,
    by_input,
    drawn_like,
    forward_backward,
    is_random,
    result_of,
)
from corenet.testing.support.no_autograd import no_autograd
from corenet.testing.support.torch_compile import CAPTURE, unasked, under_torch_compile, unwarned
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_ENGINE_CHECKS = Checks("module")
SETS = 3


@MODULE_ENGINE_CHECKS.add(since="0.1")
def no_borrowed_gradient(trial: Trial) -> None:
    """It computes its gradients itself: torch's autograd is never used."""
    with no_autograd():
        forward_backward(trial.build(), trial.inputs())


@MODULE_ENGINE_CHECKS.add(since="0.1", after=FUNCTION)
def compiled(trial: Trial) -> None:
    """torch.compile captures forward and backward whole, and they compute the same."""
    straight = forward_backward(trial.build(), trial.inputs())
    module, inputs, upstreams = trial.build(), trial.inputs(), drawn_like(straight.outputs)
    with _silent_or_skipped(trial):
        outputs, result = under_torch_compile(_outputs_and_gradients, module, inputs, upstreams)
    found = result_of(module, inputs, Outputs(each_of(outputs)), result)
    if wrong := found.differs(straight):
        raise Violation(f"under torch.compile {wrong}")


@MODULE_ENGINE_CHECKS.add(since="0.1", after=FUNCTION)
def mapped(trial: Trial) -> None:
    """torch.vmap runs it with several sets of weights at once."""
    module = trial.build()
    state = dict(module.named_tensors())
    weights = {name: torch.stack([_scaled(tensor, each) for each in range(SETS)]) for name, tensor in state.items()}
    inputs = [torch.stack(each) for each in zip(*(trial.inputs(seed=each) for each in range(SETS)), strict=True)]
    outputs = forward_backward(trial.build(), trial.inputs()).outputs
    drawn = zip(*(drawn_like(outputs, seed=1 + each) for each in range(SETS)), strict=True)
    upstreams = [each[0] if each[0] is None else torch.stack(each) for each in drawn]
    run = partial(_forward_backward_with, module)
    dims = (0, 0, [None if each is None else 0 for each in upstreams])
    with _silent_or_skipped(trial), unasked():
        together = _under_vmap(run, dims, weights, inputs, upstreams)
    if is_random(trial):
        return  # each set of weights then draws its own numbers
    for place in range(SETS):
        own = {name: each[place].clone() for name, each in weights.items()}
        alone = run(own, _at(place, inputs), _at(place, upstreams))
        if wrong := ForwardBackward(*_at(place, together)).differs(ForwardBackward(*alone)):
            raise Violation(f"under torch.vmap {wrong}")


@contextmanager
def _silent_or_skipped(trial: Trial) -> Iterator[None]:
    """Leave a check that fails to a component that is silent: no engine can capture a line that prints values."""
    try:
        yield
    except Violation:
        with redirect_stdout(StringIO()) as printed:
            forward_backward(trial.build(), trial.inputs())
        if printed.getvalue():
            raise NotApplicable("it prints, and no engine captures that: check it without") from None
        raise


def _under_vmap(run: Callable[..., Any], dims: tuple[Any, ...], *arguments: Any) -> Any:
    try:
        with unwarned():
            return torch.vmap(run, dims, randomness="different")(*arguments)
    except Exception as error:
        raise Violation(f"torch.vmap cannot run it: {reason_of(error)}", CAPTURE) from error


def _outputs_and_gradients(module: Module, inputs: Sequence[Tensor], upstreams: Upstreams) -> tuple[Any, Any]:
    return module(*inputs), module.backward(*upstreams)


def _forward_backward_with(
    module: Module, tensors: dict[str, Tensor], inputs: Sequence[Tensor], upstreams: Upstreams
) -> tuple[tuple[Tensor, ...], dict[str, Tensor], dict[str, Tensor]]:
    """Return the outputs and gradients with other weights; the arguments are not changed."""
    own = {name: tensor.clone() for name, tensor in tensors.items()}
    with substituted_tensors(module, own):
        parameters = dict(module.named_parameters())
        for parameter in parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        outputs = each_of(module(*inputs))
        grad_inputs = by_input(module, inputs, module.backward(*upstreams))
    gradients = {name: parameter.grad for name, parameter in parameters.items()}
    return tuple(each.clone() for each in outputs), grad_inputs, gradients


def _scaled(tensor: Tensor, place: int) -> Tensor:
    return tensor * (1 + 0.1 * place) if tensor.is_floating_point() else tensor


def _at(place: int, part: Any) -> Any:
    """Return what is at ``place`` of every tensor in a nest of lists, tuples and dicts."""
    if isinstance(part, dict):
        return {name: _at(place, each) for name, each in part.items()}
    if isinstance(part, (list, tuple)):
        return [_at(place, each) for each in part]
    return part if part is None else part[place]
