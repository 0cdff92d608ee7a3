"""The page of a student: each check with its points, and of a failed one what is misunderstood, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corenet.grading.classroom.row import Row
from corenet.grading.result import CheckResult
from corenet.report.html.templates import environment

AROUND = 1  # lines of the student's own that are shown above and below


@dataclass(frozen=True)
class Excerpt:
    """Lines of a submission, each with its number; ``marked`` is the number of the one that is meant."""

    lines: tuple[tuple[int, str], ...]
    marked: int


def feedback(row: Row, titles: Mapping[str, tuple[str, str]], source: str, assignment: str) -> str:
    """Return the page of a student as HTML that needs no other file.

    It names the misconception and the student's own line. What is right there, it does not say.

    Args:
        row: the points of the student.
        titles: the title and the hint of each misconception, by its name.
        source: what the student handed in.
        assignment: its name.

    >>> row = Row("alice", "alice.py", 0.0, 1.0, "took longer than 10 s")
    >>> "took longer than 10 s" in feedback(row, {}, "", "first")
    True
    """
    lines = source.splitlines()
    template = environment("corenet.grading.classroom").get_template("feedback.html.jinja")
    return template.render(
        title=f"{assignment}: {row.student}",
        row=row,
        titles=titles,
        excerpts={check.id: excerpt for _, check in row.checks if (excerpt := _excerpt(check, lines))},
    )


def _excerpt(check: CheckResult, lines: list[str]) -> Excerpt | None:
    if check.passed or not check.line or not 1 <= check.line <= len(lines):
        return None
    first, last = max(1, check.line - AROUND), min(len(lines), check.line + AROUND)
    return Excerpt(tuple((number, lines[number - 1]) for number in range(first, last + 1)), check.line)
