"""The gradient itself: against differences in float64, and in its own dtype."""

from __future__ import annotations

import re

import torch
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.gradcheck.report import GradientReport
from corenet.testing.support.rounding import GRADIENT, Rounded, moved_by_digits
from corenet.testing.support.violation import NotApplicable, Violation

from corenet_torch.checks.effects import SOUND
from corenet_torch.slopes import power_of
from corenet_torch.trial import Found, FunctionTrial

GRADIENT_CHECKS = Checks("function")
SAMPLES, DRAWS = 3, 3
WEAK = 0.05  # a fault of which could have hidden
EXPLAINED = re.compile(r"^.*(makes it right|grad_output is)", re.MULTILINE)  # all that is to be known of why
KEEP = "right in float64: look for what is rounded, such as .bfloat16(), .half() or a constant of few digits"


@GRADIENT_CHECKS.add(since="0.1", after=SOUND)
def gradient(trial: FunctionTrial) -> None:
    """The gradient of each input and parameter agrees with differences in float64."""
    if trial.best.refusal:
        raise NotApplicable(f"it does not compute in float64: {trial.best.refusal}")
    report = trial.best.gradients
    unexplained = [each for each in report.tensors if each.status == "wrong" and not EXPLAINED.search(each.diagnosis)]
    refuse_wrong(report, cause=_not_linear(trial.best) if unexplained else "")
    if not report.ok:
        raise NotApplicable(f"inconclusive: {report.unsure or report.summary}")


@GRADIENT_CHECKS.add(since="0.1", after=(*SOUND, "gradient"))
def own_dtype(trial: FunctionTrial) -> None:
    """In the dtype of its inputs the gradient agrees too: with that in float64, or with differences in itself."""
    own = trial.cast(torch.float32) if trial.dtype == torch.float64 else trial
    if is_judged_by_slopes(trial):
        refuse_slopes(trial, f"in {short(trial.dtype)}")
        if not power_of(trial.slopes) < WEAK:
            raise NotApplicable(f"inconclusive: a fault of {power_of(trial.slopes):.1g} could have hidden")
        return
    if own.is_random:
        raise NotApplicable("it draws random numbers, which may be others in float32")
    try:
        wrong = [rounded(own, draw).wrong() for draw in range(DRAWS)]
    except Exception as error:
        if trial.dtype == torch.float64:  # that it was not asked for
            raise NotApplicable(f"it refuses float32: {reason_of(error)}") from error
        raise
    if always := [name for name in wrong[0] if all(name in other for other in wrong)]:
        raise Violation(f"in {short(own.dtype)}, {', '.join(f'{each} {wrong[0][each]}' for each in always)}", KEEP)


def is_judged_by_slopes(trial: FunctionTrial) -> bool:
    """Tell whether float64 has nothing to say, as it is refused, has no more digits, or draws other numbers."""
    draws = trial.is_random and trial.dtype != torch.float64
    return draws or bool(trial.best.refusal) or bool(trial.best.gradients.reason)


def refuse_slopes(trial: FunctionTrial, which: str) -> None:
    """Raise for the first tensor whose gradient is wrong in the trial's own dtype."""
    for slope in trial.slopes:
        if slope.is_wrong:
            raise Violation(
                f"{which}, the gradient of {slope.name} is off by {slope.off:.2g} of its size{slope.where}, "
                f"where {slope.power:.1g} would have been seen"
            )


def refuse_wrong(report: GradientReport, which: str = "", cause: str = "") -> None:
    """Raise for the first tensor whose gradient is wrong; ``which`` says where, ``cause`` what else is known of why."""
    for tensor in report.tensors:
        if tensor.status == "wrong":
            where = f"{which}, " if which else ""
            place = f"[{', '.join(map(str, tensor.index))}]"
            raise Violation(
                f"{where}the gradient of {tensor.name} at {place} is {tensor.ours:.8g}, not {tensor.numeric:.8g}",
                "\n".join(filter(None, (cause, tensor.diagnosis))),
            )


def _not_linear(trial: FunctionTrial) -> str:
    """Return how a backward is not linear in the upstream gradient; '' if it is."""
    upstreams = trial.upstreams(trial.forward())
    none, twice = (
        trial.found(tuple(each if each is None else factor * each for each in upstreams)).gradients for factor in (0, 2)
    )
    if any(each.count_nonzero() for each in none.values()):
        return "a term without grad_output: ours is not zero where that is; multiply each term by it"
    once = trial.found(upstreams).gradients
    if trial.differs(twice, {name: 2 * each for name, each in once.items()}):
        return "ours is not linear in grad_output: no power, clamp or threshold of it, and it is a factor once"
    return ""


def rounded(own: FunctionTrial, draw: int) -> Rounded:
    """Return the results in the trial's own dtype, and those in float64 for the same numbers and for some nearby."""
    upstreams = own.upstreams(own.forward(), draw)
    exact = own.cast(torch.float64)
    wide = tuple(each if each is None else each.double() for each in upstreams)
    nearby = []
    for sample in range(SAMPLES):
        inputs = moved_by_digits(exact.call.inputs, own.dtype, sample)
        nearby.append(_named(exact.on(exact.call.with_inputs(inputs)).found(wide)))
    return Rounded(own.dtype, _named(own.found(upstreams)), _named(exact.found(wide)), nearby)


def _named(found: Found) -> dict[str, torch.Tensor]:
    many = len(found.outputs) > 1
    outputs = {f"output {at}" if many else "the output": each for at, each in enumerate(found.outputs)}
    gradients = {f"the {GRADIENT} of {name}": each for name, each in found.gradients.items()}
    return {name: each for name, each in (outputs | gradients).items() if each.is_floating_point()}


def short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
