"""An evaluation as lines for a terminal and as HTML for a notebook."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from corenet.notebook.html_table import html_table
from corenet.registry.sanitize import plain
from corenet.text_table import text_table
from corenet.text_width import display_width, terminal_width

if TYPE_CHECKING:
    from corenet.experiments.evaluation import Evaluation

MOST = 10  # confusions that are listed where the matrix is too wide

Row = tuple[str, ...]


def evaluation_lines(found: Evaluation, width: int | None = None) -> list[str]:
    """Return the metrics beside the baseline, and then the confusion matrix or the residuals.

    A matrix that is wider than ``width``, by default the terminal's, is a list of what was confused most.
    """
    width = min(terminal_width(), 10**4) if width is None else width
    return [
        *text_table(("METRIC", "MODEL", "BASELINE"), metrics(found), right={1, 2}),
        "",
        f"baseline: {plain(found.baseline_is)}",
        "",
        *(_confusion(found, width) if found.classes else _residuals(found)),
    ]


def as_html(found: Evaluation) -> str:
    """Return the same as HTML tables."""
    caption = f"{found.target}: {found.points:,} rows; baseline: {found.baseline_is}"
    tables = [html_table(caption, ("METRIC", "MODEL", "BASELINE"), metrics(found), right={1, 2})]
    if found.classes:
        names = [str(each) for each in found.classes]
        rows = [(name, *map(str, row)) for name, row in zip(names, found.confusion, strict=True)]
        tables.append(html_table("", ("is ↓  read as →", *names), rows, right=range(1, len(names) + 1)))
    else:
        rows = [(name, f"{value:.4g}") for name, value in found.residuals.items()]
        tables.append(html_table("", ("prediction − target", found.target), rows, right={1}))
    return "".join(tables)


def metrics(found: Evaluation) -> list[Row]:
    """Return a row for each metric: its name, the model's and the baseline's."""
    return [(name, _number(value), _number(found.baseline.get(name))) for name, value in found.metrics.items()]


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.4g}"


def _confusion(found: Evaluation, width: int) -> list[str]:
    names = [plain(str(each)) for each in found.classes]
    lines = text_table(
        ("IS ↓  READ AS →", *names),
        [(name, *_counts(row, place)) for place, (name, row) in enumerate(zip(names, found.confusion, strict=True))],
        right=range(1, len(names) + 1),
        width=10**6,
    )
    return lines if max(map(display_width, lines)) <= width else confused_most(found)


def _counts(row: tuple[int, ...], right: int) -> list[str]:
    return [click.style(f"{count:,}", bold=True) if place == right else f"{count:,}" for place, count in enumerate(row)]


def confused_most(found: Evaluation) -> list[str]:
    """Return the largest counts beside the diagonal of the confusion matrix, in a table."""
    names = [plain(str(each)) for each in found.classes]
    wrong = [
        (count, names[is_], names[read])
        for is_, row in enumerate(found.confusion)
        for read, count in enumerate(row)
        if is_ != read and count
    ]
    wrong.sort(key=lambda each: -each[0])
    if not wrong:
        return [f"every row of the {len(names):,} classes is read as what it is"]
    rest = sum(count for count, *_ in wrong[MOST:])
    lines = text_table(("COUNT", "IS", "READ AS"), [(f"{n:,}", *pair) for n, *pair in wrong[:MOST]], right={0})
    return [*lines, *([f"and {rest:,} others"] if rest else [])]


def _residuals(found: Evaluation) -> list[str]:
    rows = [(name, f"{value:.4g}") for name, value in found.residuals.items()]
    return text_table(("PREDICTED − TARGET", plain(found.target)), rows, right={1})
