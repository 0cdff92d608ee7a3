"""Rows as a table in Markdown: the ratio of each to the first that was not skipped."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from benchmarks.labels import label_of
from benchmarks.row import Row
from corenet.machine import machine

HEADING = [
    "",
    "µs/step",
    "times as fast",
    "import s",
    "first steps s",
    "ahead from step",
    "peak MB",
    "cores used",
    "error",
]
LIBRARIES = ("jax", "scikit-learn", "thinc")


def markdown(rows: Sequence[Row]) -> str:
    """Return one table; times are measured against the first row."""
    against = next((row for row in rows if not row.skipped), None)
    return in_markdown(HEADING, [_cells(row, against) for row in rows])


def in_markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells, its first column to the left."""
    lines = [heading, ["---"] + ["---:"] * (len(heading) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(row: Row, against: Row | None) -> list[str]:
    if row.skipped or against is None:
        return [label_of(row.contestant), f"skipped: {row.skipped}"] + [""] * (len(HEADING) - 2)
    even = row.break_even(against)
    return [
        label_of(row.contestant, row.engine),
        f"{1e6 * row.step_seconds:.1f}",
        f"{against.step_seconds / row.step_seconds:.2f}",
        f"{row.import_seconds:.2f}",
        f"{row.first_seconds:.3f}",
        "" if row is against else "never" if even is None else f"{even:,.0f}",
        f"{row.peak_bytes / 1e6:.0f}",
        f"{row.cores:.2f}",
        f"{row.error:.0e}",
    ]


def environment() -> str:
    """Return the machine and the versions that the figures are of."""
    return ", ".join([machine(), *_versions(), platform.system()])


def _versions() -> list[str]:
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
