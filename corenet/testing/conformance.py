"""The conformance kit: every promise of a contract, tried on a component."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from corenet.contracts.case import Case
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import ConfigError, did_you_mean
from corenet.registry.collect import reason_of
from corenet.registry.spec import KINDS, Kind
from corenet.testing.checks.check import Check
from corenet.testing.checks.loss_contract import LOSS_CONTRACT_CHECKS
from corenet.testing.checks.loss_gradient import LOSS_GRADIENT_CHECKS
from corenet.testing.checks.module_contract import MODULE_CONTRACT_CHECKS
from corenet.testing.checks.module_engine import MODULE_ENGINE_CHECKS
from corenet.testing.checks.module_gradient import MODULE_GRADIENT_CHECKS
from corenet.testing.checks.optimizer_contract import OPTIMIZER_CONTRACT_CHECKS
from corenet.testing.checks.optimizer_trajectory import OPTIMIZER_TRAJECTORY_CHECKS
from corenet.testing.diagnosis.source_lines import raised_at
from corenet.testing.report import Report, Result, Verdict
from corenet.testing.support.trial import Trial, cases_of, seeded
from corenet.testing.support.violation import NotApplicable, Violation

CHECKS: dict[Kind, list[Check]] = {
    "module": [*MODULE_GRADIENT_CHECKS, *MODULE_CONTRACT_CHECKS, *MODULE_ENGINE_CHECKS],
    "loss": [*LOSS_GRADIENT_CHECKS, *LOSS_CONTRACT_CHECKS],
    "optimizer": [*OPTIMIZER_TRAJECTORY_CHECKS, *OPTIMIZER_CONTRACT_CHECKS],
}
_CONTRACTS: dict[Kind, type] = {"module": Module, "loss": Loss, "optimizer": Optimizer}


def check_component(
    cls_or_factory: Callable[..., Any],
    kind: Kind | None = None,
    *,
    cases: Iterable[Case] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    name: str = "",
    seed: int = 0,
) -> Report:
    """Try every promise of a component's contract on it, and report; nothing is raised for a broken one.

    Args:
        cls_or_factory: a subclass of Module, Loss or Optimizer, or a function that returns an instance.
        kind: ``"module"``, ``"loss"`` or ``"optimizer"``; a class knows its own.
        cases: what to try it on; by default those of its ``conformance_cases()``, or guessed.
        expected_failures: why a check fails, by its id. One that passes all the same is a failure.
        name: what to call it in the report.
        seed: governs everything that is drawn.

    Raises:
        ConfigError: the kind is unknown or cannot be told, an expected failure names no check,
            or it cannot be guessed how to build the component.

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
        raise ConfigError(f"{cls_or_factory!r} has no case to be tried on; conformance_cases() returned none")
    trials = [Trial(cls_or_factory, case, seed) for case in chosen]
    results = tuple(run_checks(CHECKS[kind], trials, expected))
    errors = [trial.gradients.error for trial in trials if "gradients" in vars(trial)]
    subject = name or getattr(cls_or_factory, "__name__", repr(cls_or_factory))
    return Report(subject, kind, results, max(errors, default=None))


def run_checks(checks: Iterable[Check], trials: list[Trial], expected: Mapping[str, str]) -> Iterator[Result]:
    """Yield the result of each check, so that one mistake is one failure.

    A check is tried on the trials before the one that fails a check which it comes after; it is skipped if none is.
    """
    names = [str(trial) for trial in trials]
    sound: dict[str, int] = {}
    for check in checks:
        first = min(check.after, key=lambda each: sound.get(each, len(trials)), default="")
        left = trials[: sound.get(first, len(trials))]
        if not left:
            yield Result(check.id, "skipped", message=f"not tried, for {first} fails")
            continue
        result = run_check(check, left, expected.get(check.id))
        if result.case:
            sound[check.id] = names.index(result.case)
        yield result


def run_check(check: Check, trials: Iterable[Trial], expected: str | None = None) -> Result:
    """Run a check on each trial, as far as the first that fails it; ``expected`` says why it will."""
    verdict: Verdict = "skipped"
    reason = ""
    for trial in trials:
        try:
            with seeded(trial.seed):
                check.run(trial)
            verdict = "passed"
        except NotApplicable as skipped:
            reason = str(skipped)
        except Violation as found:
            return _failed(check, trial, found, expected, found.__cause__)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything
            return _failed(check, trial, Violation(f"it raised {reason_of(error)}"), expected, error)
    if expected is not None:
        return Result(check.id, "failed", message=f"expected to fail ({expected}), but it does not: say so no longer")
    return Result(check.id, verdict, message=reason if verdict == "skipped" else "")


def _failed(check: Check, trial: Trial, found: Violation, expected: str | None, error: BaseException | None) -> Result:
    if expected is not None:
        return Result(check.id, "expected failure", str(trial), expected)
    lines = [found.diagnosis, raised_at(error, trial.factory) if error else ""]
    return Result(check.id, "failed", str(trial), found.message, "\n".join(filter(None, lines)))


def kind_of(subject: Callable[..., Any], kind: Kind | None = None) -> Kind:
    """Return the kind of a class, or the ``kind`` given if it may be that."""
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"kind must be 'module', 'loss' or 'optimizer', not {kind!r}{did_you_mean(str(kind), KINDS)}")
    if not callable(subject) or isinstance(subject, tuple(_CONTRACTS.values())):
        raise ConfigError(f"check_component takes a class, or a function that makes an instance, not {subject!r:.80}")
    if isinstance(subject, type):
        for each, contract in _CONTRACTS.items():
            if issubclass(subject, contract) and kind in (None, each):
                return each
        raise ConfigError(f"{subject.__name__} is no {kind or 'Module, Loss or Optimizer'}")
    if kind is None:
        raise ConfigError(f"check_component of {subject!r:.80}, which is no class, needs kind='module' or another")
    return kind


def _refuse_unknown(expected: Mapping[str, str], kind: Kind) -> None:
    known = [check.id for check in CHECKS[kind]]
    for name in expected:
        if name not in known:
            raise ConfigError(f"expected_failures: there is no check {name!r} of a {kind}{did_you_mean(name, known)}")
