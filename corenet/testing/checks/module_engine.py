"""What every module promises to the engines: no autograd, and torch.compile and torch.vmap can run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.substitute import substituted_tensors
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_contract import FUNCTION
from corenet.testing.support.forward_backward import ForwardBackward, drawn_like, forward_backward, is_random
from corenet.testing.support.no_autograd import no_autograd
from corenet.testing.support.torch_compile import CAPTURE, under_torch_compile, unwarned
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_ENGINE_CHECKS = Checks("module")
SETS = 3


@MODULE_ENGINE_CHECKS.add(since="0.1")
def no_borrowed_gradient(trial: Trial) -> None:
    """It computes its gradients itself: torch's autograd is never used."""
    with no_autograd():
        forward_backward(trial.build(), trial.input())


@MODULE_ENGINE_CHECKS.add(since="0.1", after=FUNCTION)
def compiled(trial: Trial) -> None:
    """torch.compile captures forward and backward whole, and they compute the same."""
    straight = forward_backward(trial.build(), trial.input())
    module, upstream = trial.build(), drawn_like(straight.output)
    with _silent_or_skipped(trial):
        output, grad_input = under_torch_compile(_output_and_gradient, module, trial.input(), upstream)
    found = ForwardBackward(output, grad_input, {name: each.grad for name, each in module.named_parameters()})
    if wrong := found.differs(straight):
        raise Violation(f"under torch.compile {wrong}")


@MODULE_ENGINE_CHECKS.add(since="0.1", after=FUNCTION)
def mapped(trial: Trial) -> None:
    """torch.vmap runs it with several sets of weights at once."""
    module = trial.build()
    state = dict(module.named_tensors())
    weights = {name: torch.stack([_scaled(tensor, each) for each in range(SETS)]) for name, tensor in state.items()}
    inputs = torch.stack([trial.input(seed=each) for each in range(SETS)])
    output = forward_backward(trial.build(), trial.input()).output
    upstreams = torch.stack([drawn_like(output, seed=1 + each) for each in range(SETS)])
    run = partial(_forward_backward_with, module)
    with _silent_or_skipped(trial):
        together = _under_vmap(run, weights, inputs, upstreams)
    if is_random(trial):
        return  # each set of weights then draws its own numbers
    for place in range(SETS):
        alone = run({name: each[place].clone() for name, each in weights.items()}, inputs[place], upstreams[place])
        found = ForwardBackward(*(_at(place, part) for part in together))
        if wrong := found.differs(ForwardBackward(*alone)):
            raise Violation(f"under torch.vmap {wrong}")


@contextmanager
def _silent_or_skipped(trial: Trial) -> Iterator[None]:
    """Leave a check that fails to a component that is silent: no engine can capture a line that prints values."""
    try:
        yield
    except Violation:
        with redirect_stdout(StringIO()) as printed:
            forward_backward(trial.build(), trial.input())
        if printed.getvalue():
            raise NotApplicable("it prints, and no engine captures that: check it without") from None
        raise


def _under_vmap(run: Callable[..., Any], *arguments: Any) -> Any:
    try:
        with unwarned():
            return torch.vmap(run, randomness="different")(*arguments)
    except Exception as error:
        raise Violation(f"torch.vmap cannot run it: {reason_of(error)}", CAPTURE) from error


def _output_and_gradient(module: Module, input: Tensor, grad_output: Tensor) -> tuple[Tensor, Tensor]:
    return module(input), module.backward(grad_output)


def _forward_backward_with(
    module: Module, tensors: dict[str, Tensor], input: Tensor, grad_output: Tensor
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Return the output and gradients with other weights; the arguments are not changed."""
    own = {name: tensor.clone() for name, tensor in tensors.items()}
    with substituted_tensors(module, own):
        parameters = dict(module.named_parameters())
        for parameter in parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        output = module(input)
        grad_input = module.backward(grad_output)
    return output.clone(), grad_input, {name: parameter.grad for name, parameter in parameters.items()}


def _scaled(tensor: Tensor, place: int) -> Tensor:
    return tensor * (1 + 0.1 * place) if tensor.is_floating_point() else tensor


def _at(place: int, part: Tensor | dict[str, Tensor]) -> Any:
    return {name: each[place] for name, each in part.items()} if isinstance(part, dict) else part[place]
