"""What a graded class leaves in a folder: the results, a page for each student, and files for other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corenet.files import write_text
from corenet.grading.classroom.feedback import feedback
from corenet.grading.classroom.grades import FORMATS, Format
from corenet.grading.classroom.row import Row
from corenet.grading.classroom.submissions import Submission
from corenet.grading.misconceptions import MISCONCEPTIONS

RESULTS = "results.json"
PAGES = "feedback"


def write_folder(
    folder: Path,
    report: Mapping[str, Any],
    graded: Sequence[tuple[Submission, Row]],
    assignment: str,
    formats: Sequence[Format],
) -> None:
    """Write ``results.json``, ``feedback/STUDENT.html`` for each, and a folder for each of ``formats``.

    Raises:
        OutputError: one cannot be written.
    """
    write_text(folder / RESULTS, json.dumps(report, indent=1) + "\n")
    for submission, row in graded:
        page = feedback(row, MISCONCEPTIONS, _source(submission), assignment)
        _write(folder / PAGES / f"{row.student}.html", page)
    rows = [row for _, row in graded]
    for each in formats:
        for place, text in FORMATS[each](rows, assignment).items():
            _write(folder / each / place, text)


def _source(submission: Submission) -> str:
    """Return what was handed in, as far as it is text."""
    return "" if submission.fault else submission.path.read_text(encoding="utf-8", errors="replace")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
