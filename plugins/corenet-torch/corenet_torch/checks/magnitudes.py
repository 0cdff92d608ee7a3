"""Inputs that are far larger than those given, and inputs of zeros."""

from __future__ import annotations

import torch
from corenet.testing.checks.check import Checks
from corenet.testing.support.rounding import GRADIENT, Rounded
from corenet.testing.support.violation import NotApplicable, Violation

from corenet_torch.checks.effects import SOUND
from corenet_torch.checks.gradient import refuse_wrong, rounded, short
from corenet_torch.checks.sizes import is_taken, is_wrong
from corenet_torch.trial import Found, FunctionTrial

MAGNITUDES_CHECKS = Checks("function")
LARGE = 1024.0
DRAWS = 2
GROSS = 0.1  # of its size: less may be rounding, of terms that are large too
MANY = 64  # elements of a tensor that are looked at alone: many are flat, as where an exp is small
STEADY = "compute it in a form that neither overflows nor divides by zero, as forward does"


@MAGNITUDES_CHECKS.add(since="0.1", after=(*SOUND, "gradient", "own_dtype", "sizes"))
def magnitudes(trial: FunctionTrial) -> None:
    """Of inputs that are 1024 times as large, and of zeros, the gradient is right where the output is finite."""
    tried = False
    for place, name in enumerate(trial.call.names):
        for factor, what in ((LARGE, f"{LARGE:.0f} times as large"), (0.0, "of zeros")):
            other = _scaled(trial, place, factor)
            if not is_taken(other) or not _is_finite(other):
                continue
            tried = True
            _refuse_not_finite(other, f"with {name} {what}")
            if factor:
                _refuse_other(other, place, f"with {name} {what}")
    if not tried:
        raise NotApplicable("of no input may the numbers be larger, or zero")


def _scaled(trial: FunctionTrial, place: int, factor: float) -> FunctionTrial:
    inputs = [each * factor if at == place else each for at, each in enumerate(trial.call.inputs)]
    return trial.on(trial.call.with_inputs(inputs))


def _is_finite(trial: FunctionTrial) -> bool:
    given = (*trial.call.inputs, *trial.forward().outputs)
    return all(bool(each.isfinite().all()) for each in given if each.is_floating_point())


def _refuse_not_finite(trial: FunctionTrial, which: str) -> None:
    """Raise if a gradient is not a number, or is infinite and that in float64 is not."""
    exact = None if trial.refusal or trial.dtype == torch.float64 else trial.best.found()
    for each, found in ((trial.best, exact), (trial, trial.found())):
        if found is not None and (name := _lost(found, exact, each.dtype)):
            raise Violation(
                f"{which}, in {short(each.dtype)} the output is finite and the gradient of {name} is not; {STEADY}"
            )


def _lost(found: Found, exact: Found | None, dtype: torch.dtype) -> str:
    """Return the name of the first gradient that is not finite and should be, '' if all are."""
    for name, each in found.gradients.items():
        infinite = each.isinf() & exact.gradients[name].to(dtype).isfinite() if exact else torch.zeros(())
        if each.isnan().any() or infinite.any():
            return name
    return ""


def _refuse_other(trial: FunctionTrial, place: int, which: str) -> None:
    """Raise if a gradient is another than differences in float64 say, or that of the large input than in float64."""
    if trial.refusal:
        return
    if is_wrong(trial.best, MANY):
        refuse_wrong(trial.best.examined(MANY), which)
        raise Violation(f"{which}, the gradient is wrong in some random direction")
    if trial.dtype == torch.float64:
        return
    name = f"the {GRADIENT} of {trial.call.names[place]}"  # of others, what is left of large terms is rounding
    if all(_is_gross(rounded(trial, draw), name) for draw in range(DRAWS)):
        raise Violation(f"{which}, in {short(trial.dtype)}, {name} is another than in float64; {STEADY}")


def _is_gross(found: Rounded, name: str) -> bool:
    exact, gap = found.exact[name], found.found[name].double() - found.exact[name]
    holds = exact.to(found.dtype).isfinite()
    return name in found.wrong() and bool(gap[holds].norm() > GROSS * exact[holds].norm())
