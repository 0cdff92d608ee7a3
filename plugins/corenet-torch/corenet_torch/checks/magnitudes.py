"""Inputs that are far larger than those given, and inputs of zeros."""

from __future__ import annotations

import warnings

import torch
from corenet.testing.checks.check import Checks
from corenet.testing.support.rounding import GRADIENT, Rounded
from corenet.testing.support.violation import NotApplicable, Violation

from corenet_torch.checks.effects import SOUND
from corenet_torch.checks.gradient import refuse_wrong, rounded, short
from corenet_torch.checks.sizes import is_taken, is_wrong
from corenet_torch.trial import Found, FunctionTrial

MAGNITUDES_CHECKS = Checks("function")
LARGE, LARGE_OF_16_BITS = 1024.0, 256.0
DRAWS = 2
GROSS = 0.1  # of its size: less may be rounding, of terms that are large too
# Last digits of the usual gradient that may be lost as well: where a softmax is saturated, all that is left is less.
LOST, LOST_OF_16_BITS = 16.0, 2.0
MANY = 64  # elements of a tensor that are looked at alone: many are flat, as where an exp is small
STEADY = "compute it in a form that neither overflows nor divides by zero, as forward does"


@MAGNITUDES_CHECKS.add(since="0.1", after=(*SOUND, "gradient", "own_dtype", "sizes"))
def magnitudes(trial: FunctionTrial) -> None:
    """Of inputs that are far larger, and of zeros, the gradient is right where the output is finite."""
    large = LARGE_OF_16_BITS if torch.finfo(trial.dtype).bits == 16 else LARGE
    factors = {f"{large:.0f} times as large": large, "of zeros": 0.0}
    cases = [(place, what) for place in range(len(trial.call.names)) for what in factors]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, of an overflow: what is not finite is left out
        tried = [_is_looked_at(trial, place, factors[what], what) for place, what in cases]
    if not any(tried):
        raise NotApplicable("of no input may the numbers be larger, or zero")


def _is_looked_at(trial: FunctionTrial, place: int, factor: float, what: str) -> bool:
    """Raise if the gradient is wrong of an input times a factor; tell whether forward takes that."""
    other, name = _scaled(trial, place, factor), trial.call.names[place]
    if not is_taken(other) or not _is_finite(other):
        return False
    _refuse_not_finite(other, f"with {name} {what}")
    if factor:
        _refuse_other(other, name, trial.usual, f"with {name} {what}")
    return True


def _scaled(trial: FunctionTrial, place: int, factor: float) -> FunctionTrial:
    inputs = [each * factor if at == place else each for at, each in enumerate(trial.call.inputs)]
    return trial.on(trial.call.with_inputs(inputs))


def _is_finite(trial: FunctionTrial) -> bool:
    given = (*trial.call.inputs, *trial.forward().outputs)
    return all(bool(each.isfinite().all()) for each in given if each.is_floating_point())


def _refuse_not_finite(trial: FunctionTrial, which: str) -> None:
    """Raise if a gradient is not a number, or is infinite and that in float64 is not."""
    alone = trial.refusal or trial.dtype == torch.float64 or trial.is_random
    exact = None if alone else trial.best.found()
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


def _refuse_other(trial: FunctionTrial, name: str, usual: Found, which: str) -> None:
    """Raise if a gradient is another than differences in float64 say, or that of the large input than in float64."""
    if trial.refusal:
        return
    if is_wrong(trial.best, MANY):
        refuse_wrong(trial.best.examined(MANY), which)
        raise Violation(f"{which}, the gradient is wrong in some random direction")
    if trial.dtype == torch.float64 or trial.is_random:  # which may draw other numbers in another dtype
        return
    few, draws = torch.finfo(trial.dtype), [rounded(trial, draw) for draw in range(DRAWS)]
    of = {each: f"the {GRADIENT} of {each}" for each in usual.gradients}
    largest = max(draws[0].exact[each].norm().item() for each in of.values())
    for each, result in of.items():
        # Of other tensors, a small one may be what is left of large terms.
        if each != name and not draws[0].exact[result].norm() > GROSS * largest:
            continue
        usually = usual.gradients[each].double().norm().item()
        lost = (LOST_OF_16_BITS if few.bits == 16 else LOST) * few.eps * usually
        if all(_is_gross(found, result, lost) for found in draws):
            raise Violation(f"{which}, in {short(trial.dtype)}, {result} is another than in float64; {STEADY}")


def _is_gross(found: Rounded, name: str, lost: float) -> bool:
    exact, gap = found.exact[name], found.found[name].double() - found.exact[name]
    holds = exact.to(found.dtype).isfinite()
    return name in found.wrong() and bool(gap[holds].norm() > max(GROSS * exact[holds].norm().item(), lost))
