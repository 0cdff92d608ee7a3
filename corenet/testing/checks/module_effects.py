"""That a module runs, and is a function of its arguments and the seed, in all their digits, that changes neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.several import each_of
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_contract import finds_every_tensor
from corenet.testing.diagnosis.watched import KEEP_DTYPE, ROUNDS, first_line, loses_digits, writes_to
from corenet.testing.support.forward_backward import (
    ForwardBackward,
    Upstreams,
    all_finite,
    drawn_like,
    forward_backward,
    is_random,
)
from corenet.testing.support.guess import DECLARE, RefusedGuess
from corenet.testing.support.memory_layout import share_memory
from corenet.testing.support.other_generators import other_generators
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_EFFECTS_CHECKS = Checks("module")
OTHERS = "other modules may need it: work on a copy"
DOMAIN = "write a conformance_cases() with the domain of its input, such as cn.Case(domain=(0, 1))"
KEPT = (
    "numbers of an earlier call are used again where the shape is the same: "
    "a cache in the class, its module or a closure, by shape; use save()"
)
DRAWN = "write a conformance_cases() that draws inputs of its domain, cn.Case(inputs=…)"


@MODULE_EFFECTS_CHECKS.add(since="0.1", after=())
def runs(trial: Trial) -> None:
    """Forward and backward run on every case, and the output is finite."""
    try:
        outputs = forward_backward(trial.build(), trial.inputs()).outputs
    except Exception as error:
        finds_every_tensor(trial)  # to() leaves a plain tensor as it is, which is then the reason
        if isinstance(trial.case, RefusedGuess):
            raise Violation(f"it raised {reason_of(error)}", DECLARE) from error
        raise
    if not all_finite(outputs):
        low, high = trial.case.domain
        drawn = "the inputs that the case draws" if trial.draws else f"an input between {low:g} and {high:g}"
        raise Violation(f"for {drawn} the output is not finite", DRAWN if trial.draws else DOMAIN)


@MODULE_EFFECTS_CHECKS.add(since="0.1")
def repeats(trial: Trial) -> None:
    """The same seed gives the same output and gradients, and backward draws no random numbers."""
    module = trial.build()
    if others := other_generators(module, lambda: forward_backward(module, trial.inputs())):
        raise Violation(
            f"forward or backward draws from {', '.join(others)}, which no seed of torch's governs",
            "draw random numbers from torch's generator: torch.rand_like(input) in the place of numpy's",
        )
    first, second = (forward_backward(trial.build(), trial.inputs()) for _ in range(2))
    if wrong := first.differs(second, 0):
        raise Violation(
            f"with the same seed, {wrong} as the first time",
            "draw random numbers from torch's generator only, and keep no state in the class, its module or a closure",
        )
    module = trial.build()
    upstreams = drawn_like(module(*trial.inputs()))
    with seeded(0):
        before = torch.get_rng_state()
        module.backward(*upstreams)
        if not torch.equal(before, torch.get_rng_state()):
            raise Violation("backward draws random numbers", "save what forward drew, and use it")


@MODULE_EFFECTS_CHECKS.add(since="0.1")
def arguments_unchanged(trial: Trial) -> None:
    """Neither forward nor backward changes an argument or a parameter; the output does not share the input's memory."""
    module, inputs, given = trial.build(), trial.inputs(), trial.inputs()
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}
    outputs = each_of(module(*given))
    if (place := _changed(given, inputs)) is not None:
        raise Violation("forward changes its input in place: it is overwritten", _overwritten(trial, "input", place))
    if any(share_memory(output, each) for output in outputs for each in given if output.shape == each.shape):
        raise Violation("in training the output shares its input's memory", "return a new tensor, or input.clone()")
    upstreams, given_upstreams = drawn_like(outputs), drawn_like(outputs)
    module.backward(*given_upstreams)
    if (place := _changed(given_upstreams, upstreams)) is not None:
        what = "backward changes grad_output in place: it is overwritten"
        raise Violation(what, _overwritten(trial, "grad_output", place))
    if (place := _changed(given, inputs)) is not None:
        what = "backward changes the input of forward in place: it is overwritten"
        raise Violation(what, _overwritten(trial, "input", place))
    moved = [name for name, parameter in module.named_parameters() if not torch.equal(parameter, before[name])]
    if moved:
        raise Violation(
            f"forward or backward changes {', '.join(moved)}",
            "leave that to the optimizer: backward adds to .grad only",
        )


@MODULE_EFFECTS_CHECKS.add(since="0.2", after=("runs", "repeats"))
def new_numbers(trial: Trial) -> None:
    """Other numbers of a shape that was seen before are computed anew, by every instance."""
    if is_random(trial):
        raise NotApplicable("it draws random numbers")
    try:
        depends = _without_the_last_row(trial, 21)
        forward_backward(trial.build(), trial.of_rows(19).inputs())
        wrong = _without_the_last_row(trial, 19, seed=9)
    except NotApplicable:
        raise
    except Exception as error:
        raise NotApplicable(f"it refuses other numbers of rows: {reason_of(error)}") from error
    if depends:
        raise NotApplicable("a row of its output depends on the others")
    if wrong:
        raise Violation(f"on other numbers of a shape that was seen before, {wrong}, as for one row more", KEPT)


@MODULE_EFFECTS_CHECKS.add(since="0.2")
def precision(trial: Trial) -> None:
    """Float64 stays float64: no operation of forward or backward on it gives fewer digits."""
    module, inputs = trial.build(), trial.inputs()
    line = first_line(trial.factory, lambda: forward_backward(module, inputs), loses_digits)
    if line:
        raise Violation(ROUNDS, f"{KEEP_DTYPE}\n{line}")


def _without_the_last_row(trial: Trial, count: int, seed: int = 0) -> str:
    """Return how outputs and gradients of so many rows differ from those with one row more; '' if they do not."""
    more = trial.of_rows(count + 1).inputs(seed=seed)
    upstreams = drawn_like(trial.build()(*more))
    whole = forward_backward(trial.build(), more, upstreams)
    fewer = [each if each is None else each[:count] for each in upstreams]
    part = forward_backward(trial.build(), [each[:count] for each in more], fewer)
    expected = tuple(each[:count] for each in whole.outputs)
    gradients = {name: each[:count] for name, each in whole.grad_inputs.items()}
    return replace(part, parameters={}).differs(ForwardBackward(expected, gradients, {}))


def _changed(given: Upstreams, before: Upstreams) -> int | None:
    """Return the place of the first tensor that is not what it was."""
    pairs = enumerate(zip(given, before, strict=True))
    return next((place for place, (new, old) in pairs if not _same(new, old)), None)


def _same(new: Tensor | None, old: Tensor | None) -> bool:
    return new is None or old is None or torch.equal(new, old)


def _overwritten(trial: Trial, name: str, place: int) -> str:
    """Return what to do about it, and the line that first changes that input or upstream gradient."""
    module, inputs = trial.build(), trial.inputs()
    upstreams = drawn_like(trial.build()(*trial.inputs()))
    tensor = {"input": inputs, "grad_output": upstreams}[name][place]
    assert tensor is not None
    line = first_line(trial.factory, lambda: _run(module, inputs, upstreams), writes_to(tensor))
    return "\n".join(filter(None, (OTHERS, line)))


def _run(module: Module, inputs: Sequence[Tensor], upstreams: Upstreams) -> None:
    module(*inputs)
    module.backward(*upstreams)
