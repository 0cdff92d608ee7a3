"""What the conformance kit found: a :class:`Result` for each check, in the :class:`Report` of a component."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from corenet.testing.gradcheck.report import finite_or_none
from corenet.testing.gradcheck.shown import ShownAsPrinted

Verdict = Literal["passed", "failed", "expected failure", "skipped"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Result:
    """What one check of the conformance kit found.

    ``check`` is its stable id and ``verdict`` one of "passed", "failed", "expected failure" and "skipped".
    Of a failure, ``case`` is the case that failed, ``message`` what is wrong, and ``diagnosis`` what that likely
    means, how to mend it, and the line of the source. The gradient of one tensor has a ``TensorReport`` instead.
    """

    check: str
    verdict: Verdict
    case: str = ""
    message: str = ""
    diagnosis: str = ""

    def __str__(self) -> str:
        lines = [f"{self.check}: {self.verdict}{f', {self.case}' if self.case else ''}", self.message, self.diagnosis]
        return "\n".join(line for line in lines if line).replace("\n", "\n    ")


@dataclass(frozen=True, repr=False)
class Report(ShownAsPrinted):
    """What :func:`check_component` found: a :class:`Result` for each check of the component's kind.

    ``error`` is the worst relative error of its gradients; an optimizer has none.
    The report of :func:`gradcheck`, on one gradient alone, is a ``GradientReport``.
    """

    subject: str
    kind: str
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
        """Return the results with equal findings merged into one: a forward that crashes fails many checks."""
        found: dict[tuple[str, ...], list[Result]] = {}
        for result in self.results:
            found.setdefault((result.verdict, result.message, result.diagnosis), []).append(result)
        return [replace(alike[0], check=", ".join(each.check for each in alike)) for alike in found.values()]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        results = [asdict(result) for result in self.results]
        head = {"name": self.subject, "kind": self.kind, "ok": self.ok, "error": finite_or_none(self.error)}
        return {**head, "checks": results}
