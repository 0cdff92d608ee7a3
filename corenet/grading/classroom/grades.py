"""The points of a class as files: one CSV of every check, and what Gradescope, otter-grader and nbgrader read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from corenet.grading.classroom.row import Row
from corenet.grading.result import CheckResult

Format = Literal["gradescope", "otter", "nbgrader"]


def grades_csv(rows: Sequence[Row]) -> str:
    """Return a line for each student: points, what went wrong, seconds, and the points of each check."""
    ids = _ids(rows)
    heading = ["student", "submission", "points", "out_of", "error", "misconceptions", "seconds", *ids]
    return _csv(
        heading,
        (
            [
                row.student,
                row.submission,
                row.points,
                row.out_of,
                row.error or "",
                " ".join(row.misconceptions),
                f"{row.seconds:.2f}",
                *_points(row, ids),
            ]
            for row in rows
        ),
    )


def otter(rows: Sequence[Row], _: str) -> dict[str, str]:
    """Return ``final_grades.csv`` as otter-grader writes it: a column for each question, here each check."""
    ids = _ids(rows)
    lines = (
        [row.submission, *(points or 0.0 for points in _points(row, ids)), row.points / row.out_of if row.out_of else 0]
        for row in rows
    )
    return {"final_grades.csv": _csv(["file", *ids, "percent_correct"], lines)}


NBGRADER = [
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
    "late_submission_penalty", "score", "max_score",
]  # fmt: skip


def nbgrader(rows: Sequence[Row], assignment: str) -> dict[str, str]:
    """Return ``grades.csv`` as nbgrader's export writes it; what it knows from its gradebook alone is empty."""
    lines = (
        [
            assignment,
            "",
            "",
            row.student,
            "",
            "",
            "",
            row.points,
            0.0,
            row.points,
            row.out_of,
        ]  # no penalty for lateness
        for row in rows
    )
    return {"grades.csv": _csv(NBGRADER, lines)}


def gradescope(rows: Sequence[Row], _: str) -> dict[str, str]:
    """Return a ``results.json`` of each student, as Gradescope expects one of an autograder."""
    return {f"{row.student}/results.json": json.dumps(results_json(row), indent=1) + "\n" for row in rows}


def results_json(row: Row) -> dict[str, Any]:
    """Return what Gradescope shows of a submission: the score, and each check with the words for the student."""
    found: dict[str, Any] = {
        "score": row.points,
        "execution_time": round(row.seconds, 2),
        "output": row.error or f"{row.points:g} of {row.out_of:g} points",
        "stdout_visibility": "hidden",
        "tests": [_test(check, f"{layer.layer}: {check.title}") for layer, check in row.checks],
    }
    return found


def _test(check: CheckResult, name: str) -> dict[str, Any]:
    where = f" (line {check.line})" if check.line else ""
    return {
        "name": name,
        "score": check.points,
        "max_score": check.out_of,
        "status": "passed" if check.passed else "failed",
        "output": "" if check.passed else f"{check.message}{where}",
        "tags": [check.misconception] if check.misconception else [],
        "visibility": "visible",
    }


FORMATS: Mapping[Format, Callable[[Sequence[Row], str], dict[str, str]]] = {
    "gradescope": gradescope,
    "otter": otter,
    "nbgrader": nbgrader,
}


def _ids(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(check.id for row in rows for _, check in row.checks))


def _points(row: Row, ids: Iterable[str]) -> list[float | str]:
    points = {check.id: check.points for _, check in row.checks}
    return [points.get(each, "") for each in ids]


def _csv(heading: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows([_as_text(each) for each in line] for line in lines)
    return text.getvalue()


def _as_text(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: a student chose the name of the file."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
