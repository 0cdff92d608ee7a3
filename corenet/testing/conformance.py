"""The conformance kit: a component checked against every promise of its contract."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

from corenet.contracts.case import Case
from corenet.errors import ConfigError, did_you_mean
from corenet.registry.collect import reason_of
from corenet.registry.spec import KINDS, Kind
from corenet.registry.targets import CONTRACTS, imported_now
from corenet.testing.checks.callback_contract import CALLBACK_CONTRACT_CHECKS
from corenet.testing.checks.check import Check, Tried
from corenet.testing.checks.initializer_contract import INITIALIZER_CONTRACT_CHECKS
from corenet.testing.checks.loss_calls import LOSS_CALLS_CHECKS
from corenet.testing.checks.loss_contract import LOSS_CONTRACT_CHECKS
from corenet.testing.checks.loss_edges import LOSS_EDGES_CHECKS
from corenet.testing.checks.loss_gradient import LOSS_GRADIENT_CHECKS
from corenet.testing.checks.loss_half_precision import LOSS_HALF_CHECKS
from corenet.testing.checks.loss_rows import LOSS_ROWS_CHECKS
from corenet.testing.checks.metric_contract import METRIC_CONTRACT_CHECKS
from corenet.testing.checks.module_calls import MODULE_CALLS_CHECKS
from corenet.testing.checks.module_contract import MODULE_CONTRACT_CHECKS
from corenet.testing.checks.module_effects import MODULE_EFFECTS_CHECKS
from corenet.testing.checks.module_engine import MODULE_ENGINE_CHECKS
from corenet.testing.checks.module_gradient import MODULE_GRADIENT_CHECKS
from corenet.testing.checks.module_half_precision import MODULE_HALF_CHECKS
from corenet.testing.checks.module_mean import MODULE_MEAN_CHECKS
from corenet.testing.checks.module_rows import MODULE_ROWS_CHECKS
from corenet.testing.checks.optimizer_contract import OPTIMIZER_CONTRACT_CHECKS
from corenet.testing.checks.optimizer_groups import OPTIMIZER_GROUP_CHECKS
from corenet.testing.checks.optimizer_step import OPTIMIZER_STEP_CHECKS
from corenet.testing.checks.optimizer_trajectory import OPTIMIZER_TRAJECTORY_CHECKS
from corenet.testing.checks.schedule_contract import SCHEDULE_CONTRACT_CHECKS
from corenet.testing.diagnosis.source_lines import raised_at
from corenet.testing.report import Report, Result, Verdict
from corenet.testing.support.guess import cases_of
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

CHECKS: dict[Kind, list[Check]] = {
    "module": [
        *MODULE_EFFECTS_CHECKS,
        *MODULE_GRADIENT_CHECKS,
        *MODULE_HALF_CHECKS,
        *MODULE_ROWS_CHECKS,
        *MODULE_CALLS_CHECKS,
        *MODULE_CONTRACT_CHECKS,
        *MODULE_MEAN_CHECKS,
        *MODULE_ENGINE_CHECKS,
    ],
    "loss": [
        *LOSS_GRADIENT_CHECKS,
        *LOSS_HALF_CHECKS,
        *LOSS_EDGES_CHECKS,
        *LOSS_ROWS_CHECKS,
        *LOSS_CALLS_CHECKS,
        *LOSS_CONTRACT_CHECKS,
    ],
    "optimizer": [
        *OPTIMIZER_TRAJECTORY_CHECKS,
        *OPTIMIZER_STEP_CHECKS,
        *OPTIMIZER_GROUP_CHECKS,
        *OPTIMIZER_CONTRACT_CHECKS,
    ],
    "schedule": [*SCHEDULE_CONTRACT_CHECKS],
    "metric": [*METRIC_CONTRACT_CHECKS],
    "callback": [*CALLBACK_CONTRACT_CHECKS],
    "initializer": [*INITIALIZER_CONTRACT_CHECKS],
}
PASSES = "passes although expected_failures lists it ({}): remove the entry"
_CONTRACTS: dict[Kind, type] = {kind: imported_now(contract) for kind, contract in CONTRACTS.items()}
_NAMES = ", ".join(each.__name__ for each in _CONTRACTS.values())


def check_component(
    cls_or_factory: Callable[..., Any],
    kind: Kind | None = None,
    *,
    cases: Iterable[Case] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    name: str = "",
    seed: int = 0,
    announce: Callable[[str], object] | None = None,
) -> Report:
    """Check a component against every promise of its contract. A broken component raises nothing: the report says so.

    Args:
        cls_or_factory: a subclass of Module, Loss, Optimizer or the contract of another kind, or a function that
            returns an instance.
        kind: one of ``corenet.registry.spec.KINDS``, such as ``"module"``; a class knows its own.
        cases: how to build it and what inputs to give it; by default its ``conformance_cases()``, or guessed cases.
        expected_failures: by check id, the reason why it fails. If such a check passes, it is reported as a failure.
        name: the component's name in the report.
        seed: of all random numbers.
        announce: is called with the id of each check before it runs.

    Raises:
        ConfigError: the kind is unknown or missing, an expected failure names no check,
            or the arguments of the constructor cannot be guessed.

    >>> import corenet as cn
    >>> report = check_component(cn.Tanh)
    >>> report.ok, report.failures
    (True, [])
    """
    kind = kind_of(cls_or_factory, kind)
    expected = dict(expected_failures or {})
    _refuse_unknown(expected, kind)
    chosen = list(cases_of(cls_or_factory, kind) if cases is None else cases)
    if not chosen:
        raise ConfigError(f"{cls_or_factory!r} has no cases: conformance_cases() returned none")
    for case in chosen:
        _refuse_unknown(case.expected_failures, kind)
    trials = [Trial(cls_or_factory, case, seed) for case in chosen]
    results = tuple(run_checks(CHECKS[kind], trials, expected, announce or str))
    errors = [trial.gradients.error for trial in trials if "gradients" in vars(trial)]
    subject = name or getattr(cls_or_factory, "__name__", repr(cls_or_factory))
    return Report(subject, kind, results, max(errors, default=None))


def run_checks(
    checks: Iterable[Check],
    trials: Sequence[Tried],
    expected: Mapping[str, str],
    announce: Callable[[str], object] = str,
) -> Iterator[Result]:
    """Yield the result of each check, so that one mistake is one failure.

    A check runs only on the trials that come before the first failure of a check in its ``after``;
    where there are none, it is skipped.
    """
    names = [str(trial) for trial in trials]
    sound: dict[str, int] = {}
    for check in checks:
        first = min(check.after, key=lambda each: sound.get(each, len(trials)), default="")
        left = trials[: sound.get(first, len(trials))]
        if not left:
            yield Result(check.id, "skipped", message=f"not run, because {first} fails")
            continue
        announce(check.id)
        result = run_check(check, left, expected.get(check.id))
        if result.case:
            sound[check.id] = names.index(result.case)
        yield result


def run_check(check: Check, trials: Iterable[Tried], expected: str | None = None) -> Result:
    """Run a check on the trials up to the first that fails; ``expected`` is the reason why it must fail.

    A case that expects to fail must, and the others are checked all the same.
    """
    verdict: Verdict = "skipped"
    reason, met = "", None
    for trial in trials:
        own = trial.case.expected_failures.get(check.id)
        try:
            with seeded(trial.seed), redirect_stdout(sys.stderr):  # what it prints is no part of the report
                check.run(trial)
            verdict = "passed"
        except NotApplicable as skipped:
            reason = str(skipped)
        except Violation as found:
            if own is None:
                return _failed(check, trial, found, expected, found.__cause__)
            met = met or Result(check.id, "expected failure", str(trial), own)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything
            if own is None:
                return _failed(check, trial, Violation(f"it raised {reason_of(error)}"), expected, error)
            met = met or Result(check.id, "expected failure", str(trial), own)
        else:
            if own is not None:
                return Result(check.id, "failed", str(trial), PASSES.format(own))
    if met is not None:
        return met
    if expected is not None:
        return Result(check.id, "failed", message=PASSES.format(expected))
    return Result(check.id, verdict, message=reason if verdict == "skipped" else "")


def _failed(check: Check, trial: Tried, found: Violation, expected: str | None, error: BaseException | None) -> Result:
    if expected is not None:
        return Result(check.id, "expected failure", str(trial), expected)
    lines = [found.diagnosis, raised_at(error, trial.factory) if error else ""]
    return Result(check.id, "failed", str(trial), found.message, "\n".join(filter(None, lines)))


def kind_of(subject: Callable[..., Any], kind: Kind | None = None) -> Kind:
    """Return the kind of a component: that of its class, or the ``kind`` given for a function."""
    if kind is not None and kind not in KINDS:
        kinds = ", ".join(map(repr, KINDS))
        raise ConfigError(f"kind must be one of {kinds}, not {kind!r}{did_you_mean(str(kind), KINDS)}")
    if not callable(subject) or isinstance(subject, tuple(_CONTRACTS.values())):
        raise ConfigError(f"check_component takes a class, or a function that makes an instance, not {subject!r:.80}")
    if isinstance(subject, type):
        for each, contract in _CONTRACTS.items():
            if issubclass(subject, contract) and kind in (None, each):
                return each
        raise ConfigError(f"{subject.__name__} is not a {kind or 'component: no ' + _NAMES}")
    if kind is None:
        kinds = ", ".join(map(repr, KINDS))
        raise ConfigError(f"check_component of {subject!r:.80}, which is not a class, needs kind=, one of {kinds}")
    return kind


def _refuse_unknown(expected: Mapping[str, str], kind: Kind) -> None:
    known = [check.id for check in CHECKS[kind]]
    for name in expected:
        if name not in known:
            raise ConfigError(f"expected_failures: there is no check {name!r} of a {kind}{did_you_mean(name, known)}")
