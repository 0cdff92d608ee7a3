"""The gradient itself: against differences in float64, in its own dtype, and in other sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.gradcheck.report import GradientReport
from corenet.testing.support.rounding import GRADIENT, Rounded, moved_by_digits
from corenet.testing.support.violation import NotApplicable, Violation

from corenet_torch.call import Call
from corenet_torch.checks.effects import SOUND
from corenet_torch.resized import resized
from corenet_torch.slopes import power_of
from corenet_torch.trial import Found, FunctionTrial, largest

GRADIENT_CHECKS = Checks("function")
SIZES = (1, 7, 33, 130, 1025)  # around the edges of blocks
TELLING = 7  # the smallest size in which a fault shows its form
LARGEST, MANY = 200_000, 1000  # elements of a tensor, in float64 and in a dtype of its own
FEW = 3  # of a tensor are looked at by themselves; all take part in random directions
SAMPLES, DRAWS = 3, 3
ROUNDING = (
    1e-11  # of the largest gradient in the sizes given: with one column that of a normalisation is rounding alone
)
WEAK = 0.05  # a fault of which could have hidden
KEEP = "right in float64: look for what is rounded, such as .bfloat16(), .half() or a constant of few digits"


@GRADIENT_CHECKS.add(since="0.1", after=SOUND)
def gradient(trial: FunctionTrial) -> None:
    """The gradient of each input and parameter agrees with differences in float64."""
    if trial.best.refusal:
        raise NotApplicable(f"it does not compute in float64: {trial.best.refusal}")
    report = trial.best.gradients
    _refuse_wrong(report)
    if not report.ok:
        raise NotApplicable(f"inconclusive: {report.unsure or report.summary}")


@GRADIENT_CHECKS.add(since="0.1", after=(*SOUND, "gradient"))
def own_dtype(trial: FunctionTrial) -> None:
    """In the dtype of its inputs the gradient agrees too: with that in float64, or with differences in itself."""
    own = trial.cast(torch.float32) if trial.dtype == torch.float64 else trial
    if is_judged_by_slopes(trial):
        _refuse_slopes(trial, f"in {_short(trial.dtype)}")
        if not power_of(trial.slopes) < WEAK:
            raise NotApplicable(f"inconclusive: a fault of {power_of(trial.slopes):.1g} could have hidden")
        return
    try:
        wrong = [_rounded(own, draw).wrong() for draw in range(DRAWS)]
    except Exception as error:
        if trial.dtype == torch.float64:  # that it was not asked for
            raise NotApplicable(f"it refuses float32: {reason_of(error)}") from error
        raise
    if always := [name for name in wrong[0] if all(name in other for other in wrong)]:
        raise Violation(f"in {_short(own.dtype)}, {', '.join(f'{each} {wrong[0][each]}' for each in always)}", KEEP)


@GRADIENT_CHECKS.add(since="0.1", after=(*SOUND, "gradient", "own_dtype"))
def sizes(trial: FunctionTrial) -> None:
    """With other numbers of rows and columns, around the edges of blocks, the gradient agrees too, or it is refused."""
    tried = False
    for dimension, what in ((0, "rows"), (-1, "columns")):
        taken = dict(_of_sizes(trial.best, dimension))
        wrong = [size for size, other in taken.items() if _is_wrong(other)]
        tried |= bool(taken)
        if wrong:
            right = " and ".join(str(size) for size in taken if size not in wrong)
            telling = next((size for size in wrong if size >= TELLING), wrong[0])
            which = f"with {' and '.join(map(str, wrong))} {what}{f', but not with {right}' if right else ''}"
            _refuse_size(taken[telling], f"{which}, as of {telling}")
    if not tried:
        raise NotApplicable("it takes no other sizes")


def is_judged_by_slopes(trial: FunctionTrial) -> bool:
    """Tell whether float64 has nothing to say, as it is refused or has no more digits."""
    return bool(trial.best.refusal) or bool(trial.best.gradients.reason)


def _of_sizes(trial: FunctionTrial, dimension: int) -> Iterator[tuple[int, FunctionTrial]]:
    """Yield the trial in each of the sizes that forward takes; what backward raises then is a finding."""
    shape = trial.call.inputs[0].shape if trial.call.inputs else ()
    if len(shape) < (1 if dimension == 0 else 2) or not shape[dimension]:
        return
    rounding = ROUNDING * max(map(largest, trial.usual.gradients.values()))
    for size in SIZES:
        if not trial.call.refuses_indices and size <= _largest_index(trial.call):
            continue
        other = replace(trial, call=resized(trial.call, dimension, size, trial.seed), atol=max(trial.atol, rounding))
        if max(each.numel() for each in other.call.inputs) <= LARGEST and _is_taken(other):
            yield size, other


def _largest_index(call: Call) -> int:
    """Return the largest integer that is given, -1 if there is none."""
    tensors = (each for each in call.args if isinstance(each, torch.Tensor) and each.numel())
    return max((int(each.max()) for each in tensors if not each.is_floating_point()), default=-1)


def _is_wrong(trial: FunctionTrial) -> bool:
    if not trial.refusal:
        return trial.examined(FEW).status == "wrong"
    return trial.call.inputs[0].numel() <= MANY and any(each.is_wrong for each in trial.slopes)


def _refuse_size(trial: FunctionTrial, which: str) -> None:
    if trial.refusal:
        _refuse_slopes(trial, which)
    _refuse_wrong(trial.gradients, which)
    raise Violation(f"{which}, the gradient is wrong in some random direction")


def _refuse_slopes(trial: FunctionTrial, which: str) -> None:
    for slope in trial.slopes:
        if slope.is_wrong:
            raise Violation(
                f"{which}, the gradient of {slope.name} is off by {slope.off:.2g} of its size{slope.where}, "
                f"where {slope.power:.1g} would have been seen"
            )


def _refuse_wrong(report: GradientReport, which: str = "") -> None:
    for tensor in report.tensors:
        if tensor.status == "wrong":
            where = f"{which}, " if which else ""
            place = f"[{', '.join(map(str, tensor.index))}]"
            raise Violation(
                f"{where}the gradient of {tensor.name} at {place} is {tensor.ours:.8g}, not {tensor.numeric:.8g}",
                tensor.diagnosis,
            )


def _is_taken(trial: FunctionTrial) -> bool:
    """Tell whether forward takes such arguments; what backward raises then is a finding."""
    try:
        trial.forward()
    except Exception:  # noqa: BLE001 - a stranger's code may refuse a shape in any way
        return False
    return True


def _rounded(own: FunctionTrial, draw: int) -> Rounded:
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


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
