"""One submission graded: each layer of an assignment, by each of its promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from corenet.errors import ConfigError, CorenetError
from corenet.grading.assignment import Assignment, read_assignment
from corenet.grading.calls import verdict_on_accumulation, verdict_on_calls
from corenet.grading.cheats import cheat_in
from corenet.grading.differences import differences_in
from corenet.grading.guard import WATCH, replaced, running, snapshot
from corenet.grading.layers import layer
from corenet.grading.misconceptions import hint
from corenet.grading.points import points_of
from corenet.grading.promises import Promise, promises_of
from corenet.grading.result import CheckResult, LayerResult, Result
from corenet.grading.source import Source
from corenet.grading.textbook import Point, Textbook
from corenet.grading.trial import Trial, attempts
from corenet.grading.verdict import Verdict, broken, verdict_on, verdict_on_large
from corenet.grading.written import Written, written
from corenet.registry.python_file import imported_file


def _nobody_asks(_: Any) -> None: ...


def grade(folder: Path, path: Path) -> Result:
    """Return what the submission ``path`` gets by the assignment in ``folder``.

    What a student's code does is a part of the result, an endless loop excepted: that is for the process around it.

    Raises:
        ConfigError: the assignment is not one.
    """
    assignment = read_assignment(folder)
    return grade_layers(assignment, folder, path, assignment.layers)


def grade_layers(
    assignment: Assignment,
    folder: Path,
    path: Path,
    layers: Sequence[str],
    tell: Callable[[Any], object] = _nobody_asks,
) -> Result:
    """Return what the submission ``path`` gets for some layers of the assignment that was read from ``folder``.

    ``tell`` hears ``{"begun": NAME}`` before each layer, and after it ``{"done": RESULT}``, as long as there is no
    cheat of the whole file: what is told stays, though a layer that follows comes to no end.
    """
    path = path.resolve()
    WATCH.forbidden = (*WATCH.forbidden[:1], str(folder.resolve()))
    WATCH.allowed = path
    WATCH.opened.clear()
    WATCH.hook()
    textbooks = [layer(name) for name in layers]
    libraries = snapshot()
    try:
        text = path.read_text(encoding="utf-8")
        with running():
            space = imported_file(str(path))
    except (CorenetError, OSError, UnicodeDecodeError) as error:
        return all_lost(assignment, path.name, str(error).replace(str(path), path.name), layers)
    source = Source(path, text)
    graded = []
    for textbook in textbooks:
        tell({"begun": textbook.name})
        graded.append(_layer(assignment, textbook, space, source))
        if not WATCH.opened and not replaced(libraries):
            tell({"done": graded[-1].to_dict()})
    if WATCH.opened:
        return _with_cheat(path.name, graded, "cheat_grader")
    if replaced(libraries):
        return _with_cheat(path.name, graded, "cheat_tampering")
    return Result(path.name, graded)


def _layer(assignment: Assignment, textbook: Textbook, space: ModuleType, source: Source) -> LayerResult:
    asked = _asked(assignment, textbook)
    try:
        found = written(textbook, assignment.style, space, alone=len(assignment.layers) == 1)
    except ConfigError as error:
        verdicts = [Verdict(False, "not_written", str(error))] * len(asked)
    else:
        verdicts = _verdicts(assignment, textbook, found, source, asked)
    checks = [
        _check(assignment, textbook.name, promise, verdict) for promise, verdict in zip(asked, verdicts, strict=True)
    ]
    return LayerResult(textbook.name, checks)


def _verdicts(
    assignment: Assignment, textbook: Textbook, found: Written, source: Source, asked: list[Promise]
) -> list[Verdict]:
    points = points_of(textbook, assignment.style)
    if cheat := _cheat(textbook, found, source, points[1]):
        return [broken(*cheat)] * len(asked)
    trials = attempts(textbook, found, points)
    if any(type(trial.error).__name__ == "Violation" for trial in trials):
        line = next((source.raised_at(trial.error) for trial in trials if trial.error), None)
        return [broken("cheat_autograd", line)] * len(asked)
    return [_verdict(textbook, found, source, promise.name, trials) for promise in asked]


def _verdict(textbook: Textbook, found: Written, source: Source, promise: str, trials: list[Trial]) -> Verdict:
    if promise == "calls":
        return verdict_on_calls(textbook, found, source, trials)
    if promise == "accumulation":
        return verdict_on_accumulation(textbook, found, source, trials)
    if promise == "large_values":
        return verdict_on_large(source, trials)
    return verdict_on(textbook, found, source, promise.removesuffix("_gradient"), trials)


def _cheat(textbook: Textbook, found: Written, source: Source, point: Point) -> tuple[str, int | None] | None:
    """Return a cheat and its line, as read in the source or seen while it runs."""
    if seen := cheat_in(source, found.names):
        return seen
    if isinstance(found.owner, type) and _is_borrowed(found.owner):
        return "cheat_library", None
    line = differences_in(textbook, found, source, point)
    return None if line is None else ("cheat_finite_differences", line)


def _is_borrowed(owner: type) -> bool:
    """Tell whether a class is a component of corenet or of a plugin, or made from one."""
    own = (each.__module__ for each in owner.__mro__)
    return any(each.startswith(("corenet.", "corenet_")) and not each.startswith("corenet.contracts.") for each in own)


def _check(assignment: Assignment, layer: str, promise: Promise, verdict: Verdict) -> CheckResult:
    worth = assignment.points[layer][promise.name]
    return CheckResult(
        f"{layer}.{promise.name}",
        promise.title,
        worth if verdict.passed else 0.0,
        worth,
        verdict.passed,
        verdict.misconception,
        verdict.message,
        verdict.line,
    )


def all_lost(assignment: Assignment, name: str, error: str, layers: Sequence[str]) -> Result:
    """Return the result of a file of which none of some layers can be graded."""
    lost = Verdict(False, None, error)
    results = [
        LayerResult(textbook.name, [_check(assignment, textbook.name, promise, lost) for promise in promises])
        for textbook in map(layer, layers)
        for promises in [_asked(assignment, textbook)]
    ]
    return Result(name, results, error)


def _asked(assignment: Assignment, textbook: Textbook) -> list[Promise]:
    return [each for each in promises_of(textbook, assignment.style) if each.name in assignment.points[textbook.name]]


def _with_cheat(name: str, layers: list[LayerResult], slug: str) -> Result:
    """Return a result of which every check is lost by a cheat that is of the whole file."""
    for check in (check for each in layers for check in each.checks):
        check.points, check.passed, check.misconception, check.message = 0.0, False, slug, hint(slug)
    return Result(name, layers)
