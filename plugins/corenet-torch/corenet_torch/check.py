"""The two doors: a report of every check of a function, and torch's gradcheck by the same checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from corenet.contracts.case import Case
from corenet.errors import ConfigError, GradientError, did_you_mean
from corenet.testing.checks.check import Check
from corenet.testing.conformance import run_checks
from corenet.testing.report import Report, Result
from torch.autograd.gradcheck import GradcheckError as TorchGradcheckError

from corenet_torch.call import Call
from corenet_torch.checks.calls import CALLS_CHECKS
from corenet_torch.checks.claims import CLAIMS_CHECKS
from corenet_torch.checks.effects import EFFECTS_CHECKS
from corenet_torch.checks.gradient import GRADIENT_CHECKS
from corenet_torch.checks.magnitudes import MAGNITUDES_CHECKS
from corenet_torch.checks.sizes import SIZES_CHECKS
from corenet_torch.checks.upstreams import UPSTREAM_CHECKS
from corenet_torch.slopes import power_of
from corenet_torch.trial import FunctionTrial

FUNCTION_CHECKS: list[Check] = [
    *EFFECTS_CHECKS,
    *GRADIENT_CHECKS,
    *SIZES_CHECKS,
    *MAGNITUDES_CHECKS,
    *UPSTREAM_CHECKS,
    *CALLS_CHECKS,
]
CLAIMS = {each.id.removeprefix("function."): each for each in CLAIMS_CHECKS}  # what ``also`` names


@dataclass(frozen=True, repr=False)
class FunctionReport(Report):
    """What :func:`check` found: a ``Result`` for each check.

    ``power`` is the smallest relative fault of the gradient that would have been seen, infinite if nothing was.
    """

    power: float = 0.0

    @property
    def summary(self) -> str:
        """The report in one line."""
        seen = f"a relative fault of {self.power:.1e} would have been seen"
        return super().summary + (f", {seen}" if self.ok and self.power < torch.inf else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {**super().to_dict(), "power": self.power if self.power < torch.inf else None}


def check(
    fn: Any,
    *inputs: Any,
    rtol: float = 1e-6,
    atol: float = 0.0,
    seed: int = 0,
    also: Sequence[str] = (),
    expected_failures: Mapping[str, str] | None = None,
) -> FunctionReport:
    """Check a backward that somebody wrote for PyTorch. A broken one raises nothing: the report says so.

    Args:
        fn: a subclass of ``torch.autograd.Function``, a ``torch.nn.Module``, a custom operator (``torch.ops.mylib.op``,
            or what ``torch.library.custom_op`` returns), a function that uses any of them, or a pair of functions
            ``forward(*inputs)`` and ``backward(grad_output, *inputs)``; the latter returns a gradient for each input
            that has one, and is given a tuple if there are several outputs.
        inputs: what it is called with. Of the floating-point tensors among them gradients are asked of those that
            require one, or of all if none does. They are judged in float64, and in their own dtype.
        rtol: relative error that is let pass, as rounding in backward is.
        atol: absolute error that is let pass besides.
        seed: of all random numbers.
        also: what the function claims besides: any of ``"double_backward"``, ``"vmap"``, ``"compile"`` and
            ``"autocast"``, each of which is a check too.
        expected_failures: by check id, the reason why it fails; one that passes is a failure.

    Raises:
        ConfigError: ``fn`` is nothing that can be checked, no input has a gradient, a claim is unknown or made of a
            pair, which autograd knows nothing of, or an expected failure is no check.

    >>> class Square(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, grad_output):
    ...         (x,) = ctx.saved_tensors
    ...         return x * grad_output
    >>> report = check(Square, torch.randn(4, 3))
    >>> report.ok, report.failures[0].check, report.failures[0].diagnosis.partition(":")[0]
    (False, 'function.gradient', 'a factor 2 is missing')
    """
    expected = dict(expected_failures or {})
    _refuse_unknown(expected)
    call = Call.of(fn, inputs)
    return report_on(call, rtol=rtol, atol=atol, seed=seed, claims=claims_of(call, also), expected=expected)


def claims_of(call: Call, also: Sequence[str]) -> list[Check]:
    """Return the checks of what a function claims.

    Raises:
        ConfigError: a claim is unknown, or made of a pair.
    """
    for each in also if not isinstance(also, str) else (also,):
        if each not in CLAIMS or isinstance(also, str):
            names = ", ".join(map(repr, CLAIMS))
            raise ConfigError(f"also takes some of {names} in a list, not {also!r}{did_you_mean(str(each), CLAIMS)}")
    if also and call.pair is not None:
        raise ConfigError(f"also={also!r} is nothing for {call.name}, a pair of functions that autograd does not run")
    return [CLAIMS[each] for each in also]


def report_on(
    call: Call,
    *,
    rtol: float = 1e-6,
    atol: float = 0.0,
    seed: int = 0,
    claims: Sequence[Check] = (),
    expected: Mapping[str, str] | None = None,
    name: str = "",
    announce: Callable[[str], object] = str,
) -> FunctionReport:
    """Run every check of a call; ``announce`` is called with the id of each before it."""
    trial = FunctionTrial(call, call.parameters, seed, rtol, atol, Case())
    results = tuple(run_checks([*FUNCTION_CHECKS, *claims], [trial], expected or {}, announce))
    return _report(trial, results, name or call.name)


def gradcheck(
    fn: Any,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **options: Any,
) -> bool:
    """Do what :func:`check` does, with the signature of ``torch.autograd.gradcheck``: one import changes.

    Args:
        fn: what :func:`check` takes.
        inputs: a tensor, or a tuple of what ``fn`` is called with.
        eps: is taken and not used: the steps are chosen for each element, by their errors.
        atol: absolute error that is let pass.
        rtol: relative error that is let pass.
        raise_exception: whether to raise, or to return False.
        options: the other arguments of torch's, such as ``fast_mode`` and ``nondet_tol``, are taken and not used.

    Raises:
        GradcheckError: a check fails; the message is the report. It is torch's GradcheckError too.

    >>> gradcheck(torch.sin, torch.randn(3))
    True
    """
    given: Sequence[Any] = inputs if isinstance(inputs, tuple | list) else (inputs,)
    report = check(fn, *given, atol=atol, rtol=rtol)
    if raise_exception and not report.ok:
        raise GradcheckError(str(report), report=report)
    return report.ok


class GradcheckError(GradientError, TorchGradcheckError):
    """A check of a function fails; ``report`` has what was found."""


def _report(trial: FunctionTrial, results: tuple[Result, ...], name: str) -> FunctionReport:
    verdicts = {result.check: result.verdict for result in results}
    error, power = None, torch.inf
    if verdicts["function.gradient"] in ("passed", "failed") and "gradients" in vars(trial.best):
        error, power = trial.best.gradients.error, trial.best.gradients.power or torch.inf
    elif verdicts["function.own_dtype"] == "passed":
        power = power_of(trial.slopes)
    return FunctionReport(name, "function", results, error, power)


def _refuse_unknown(expected: Mapping[str, str]) -> None:
    known = [each.id for each in (*FUNCTION_CHECKS, *CLAIMS_CHECKS)]
    for name in expected:
        if name not in known:
            raise ConfigError(f"expected_failures: there is no check {name!r} of a function{did_you_mean(name, known)}")
