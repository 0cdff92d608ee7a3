"""That a module runs, and is a function of its arguments and the seed, in all their digits, that changes neither."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_contract import finds_every_tensor
from corenet.testing.diagnosis.watched import KEEP_DTYPE, ROUNDS, first_line, loses_digits, writes_to
from corenet.testing.support.forward_backward import drawn_like, forward_backward
from corenet.testing.support.memory_layout import share_memory
from corenet.testing.support.other_generators import other_generators
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import Violation

MODULE_EFFECTS_CHECKS = Checks("module")
OTHERS = "other modules may need it: work on a copy"
DOMAIN = "write a conformance_cases() with the domain of its input, such as cn.Case(domain=(0, 1))"


@MODULE_EFFECTS_CHECKS.add(since="0.1", after=())
def runs(trial: Trial) -> None:
    """Forward and backward run on every case, and the output is finite."""
    try:
        output = forward_backward(trial.build(), trial.input()).output
    except Exception:
        finds_every_tensor(trial)  # to() leaves a plain tensor as it is, which is then the reason
        raise
    if not output.isfinite().all():
        low, high = trial.case.domain
        raise Violation(f"for an input between {low:g} and {high:g} the output is not finite", DOMAIN)


@MODULE_EFFECTS_CHECKS.add(since="0.1")
def repeats(trial: Trial) -> None:
    """The same seed gives the same output and gradients, and backward draws no random numbers."""
    module = trial.build()
    if others := other_generators(module, lambda: forward_backward(module, trial.input())):
        raise Violation(
            f"forward or backward draws from {', '.join(others)}, which no seed of torch's governs",
            "draw random numbers from torch's generator: torch.rand_like(input) in the place of numpy's",
        )
    first, second = (forward_backward(trial.build(), trial.input()) for _ in range(2))
    if wrong := first.differs(second, 0):
        raise Violation(
            f"with the same seed, {wrong} as the first time",
            "draw random numbers from torch's generator only, and keep no state in the class, its module or a closure",
        )
    module = trial.build()
    upstream = drawn_like(module(trial.input()))
    with seeded(0):
        before = torch.get_rng_state()
        module.backward(upstream)
        if not torch.equal(before, torch.get_rng_state()):
            raise Violation("backward draws random numbers", "save what forward drew, and use it")


@MODULE_EFFECTS_CHECKS.add(since="0.1")
def arguments_unchanged(trial: Trial) -> None:
    """Neither forward nor backward changes an argument or a parameter; the output does not share the input's memory."""
    module, input = trial.build(), trial.input()
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}
    given = input.clone()
    output = module(given)
    if not torch.equal(given, input):
        raise Violation("forward changes its input in place: it is overwritten", _overwritten(trial, "input"))
    if output.shape == input.shape and share_memory(output, given):
        raise Violation("in training the output shares its input's memory", "return a new tensor, or input.clone()")
    upstream = drawn_like(output)
    given_upstream = upstream.clone()
    module.backward(given_upstream)
    if not torch.equal(given_upstream, upstream):
        raise Violation("backward changes grad_output in place: it is overwritten", _overwritten(trial, "grad_output"))
    if not torch.equal(given, input):
        raise Violation(
            "backward changes the input of forward in place: it is overwritten", _overwritten(trial, "input")
        )
    moved = [name for name, parameter in module.named_parameters() if not torch.equal(parameter, before[name])]
    if moved:
        raise Violation(
            f"forward or backward changes {', '.join(moved)}",
            "leave that to the optimizer: backward adds to .grad only",
        )


@MODULE_EFFECTS_CHECKS.add(since="0.2")
def precision(trial: Trial) -> None:
    """Float64 stays float64: no operation of forward or backward on it gives fewer digits."""
    module, input = trial.build(), trial.input()
    line = first_line(trial.factory, lambda: forward_backward(module, input), loses_digits)
    if line:
        raise Violation(ROUNDS, f"{KEEP_DTYPE}\n{line}")


def _overwritten(trial: Trial, name: str) -> str:
    """Return what to do about it, and the line that first changes the tensor of that name."""
    module, tensors = trial.build(), {"input": trial.input()}
    tensors["grad_output"] = drawn_like(trial.build()(trial.input()))
    line = first_line(trial.factory, lambda: _run(module, **tensors), writes_to(tensors[name]))
    return "\n".join(filter(None, (OTHERS, line)))


def _run(module: Module, input: Tensor, grad_output: Tensor) -> None:
    module(input)
    module.backward(grad_output)
