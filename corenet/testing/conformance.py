"""The conformance kit: every promise of a contract, tried on a component."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from corenet.contracts.case import Case
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import BrokenPluginError, ConfigError, UnknownComponentError, did_you_mean
from corenet.registry.collect import reason_of
from corenet.registry.registry import components
from corenet.registry.sanitize import canonical
from corenet.registry.spec import KINDS, Component, Kind
from corenet.testing.checks.check import Check, NotApplicable, Violation
from corenet.testing.checks.loss_contract import LOSS_MANNER_CHECKS
from corenet.testing.checks.loss_gradient import LOSS_GRADIENT_CHECKS
from corenet.testing.checks.module_contract import MODULE_MANNER_CHECKS
from corenet.testing.checks.module_engine import MODULE_ENGINE_CHECKS
from corenet.testing.checks.module_gradient import MODULE_GRADIENT_CHECKS
from corenet.testing.checks.optimizer_contract import OPTIMIZER_MANNER_CHECKS
from corenet.testing.checks.optimizer_trajectory import OPTIMIZER_PATH_CHECKS
from corenet.testing.diagnosis.source_lines import raised_at
from corenet.testing.gradcheck.report import finite_or_none
from corenet.testing.support.trial import Trial, cases_of, seeded

CHECKS: dict[Kind, list[Check]] = {
    "module": [*MODULE_GRADIENT_CHECKS, *MODULE_MANNER_CHECKS, *MODULE_ENGINE_CHECKS],
    "loss": [*LOSS_GRADIENT_CHECKS, *LOSS_MANNER_CHECKS],
    "optimizer": [*OPTIMIZER_PATH_CHECKS, *OPTIMIZER_MANNER_CHECKS],
}
_CONTRACTS: dict[Kind, type] = {"module": Module, "loss": Loss, "optimizer": Optimizer}

Verdict = Literal["passed", "failed", "expected failure", "skipped"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Result:
    """What one check found; ``case`` is where it failed, ``diagnosis`` what that likely means."""

    check: str
    verdict: Verdict
    case: str = ""
    message: str = ""
    diagnosis: str = ""

    def __str__(self) -> str:
        lines = [f"{self.check}: {self.verdict}{f', {self.case}' if self.case else ''}", self.message, self.diagnosis]
        return "\n".join(line for line in lines if line).replace("\n", "\n    ")


@dataclass(frozen=True)
class Report:
    """What :func:`check_component` found: a result for each check of the component's kind.

    ``error`` is the worst relative error of its gradients; an optimizer has none.
    """

    subject: str
    kind: Kind
    results: tuple[Result, ...]
    error: float | None = None

    @property
    def failures(self) -> list[Result]:
        """The results of the checks that failed."""
        return [result for result in self.results if result.verdict == "failed"]

    @property
    def ok(self) -> bool:
        """Whether every check passed, was skipped, or failed as expected."""
        return not self.failures

    @property
    def summary(self) -> str:
        """The report in one line."""
        verdicts = [result.verdict for result in self.results]
        counted = ", ".join(f"{verdicts.count(each)} {each}" for each in VERDICTS if each in verdicts)
        return counted if self.error is None else f"{counted}, worst relative error {self.error:.1e}"

    def __str__(self) -> str:
        lines = [f"{self.subject}: {self.summary}"]
        lines += [str(result) for result in self.merged() if result.verdict != "passed"]
        return "\n  ".join(line.replace("\n", "\n  ") for line in lines)

    def merged(self) -> list[Result]:
        """Return the results with those that found the same in one: a forward that crashes fails many checks."""
        found: dict[tuple[str, ...], list[Result]] = {}
        for result in self.results:
            found.setdefault((result.verdict, result.message, result.diagnosis), []).append(result)
        return [replace(alike[0], check=", ".join(each.check for each in alike)) for alike in found.values()]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        results = [asdict(result) for result in self.results]
        head = {"name": self.subject, "kind": self.kind, "ok": self.ok, "error": finite_or_none(self.error)}
        return {**head, "checks": results}


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
    results = tuple(try_in_order(CHECKS[kind], trials, expected))
    errors = [trial.gradients.error for trial in trials if "gradients" in vars(trial)]
    subject = name or getattr(cls_or_factory, "__name__", repr(cls_or_factory))
    return Report(subject, kind, results, max(errors, default=None))


def components_of(*distributions: str) -> list[Component]:
    """Return the components of distributions, such as ``components_of("corenet-swish")``.

    Raises:
        UnknownComponentError: there is no such distribution.
        BrokenPluginError: one cannot be asked for its components, or has none.

    >>> [row.name for row in components_of("corenet")][:3]
    ['linear', 'dropout', 'relu']
    """
    rows = components()
    known = {row.distribution for row in rows}
    for distribution in distributions:
        if canonical(distribution) not in known:
            owners = [row.distribution for row in rows if row.name == distribution]
            hint = f"; it is a component of {owners[0]}" if owners else did_you_mean(distribution, known)
            raise UnknownComponentError(
                f"no component comes from a distribution {distribution!r}{hint}; corenet plugins shows all",
                name=distribution,
            )
    wanted = {canonical(each) for each in distributions}
    found = [row for row in rows if row.distribution in wanted]
    for row in found:
        if row.kind == "plugin":  # tests of nothing would pass
            why = row.reason or "it offers no component"
            raise BrokenPluginError(f"{row.name} cannot be tested: {why}", distribution=row.name)
    return found


def try_in_order(checks: Iterable[Check], trials: list[Trial], expected: Mapping[str, str]) -> Iterator[Result]:
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
        result = try_out(check, left, expected.get(check.id))
        if result.case:
            sound[check.id] = names.index(result.case)
        yield result


def try_out(check: Check, trials: Iterable[Trial], expected: str | None = None) -> Result:
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
