"""The results of experiments, measured beside reported, as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click

from corenet.experiments.run import ExperimentResult
from corenet.text_table import text_table
from corenet.text_width import display_width, terminal_width

COLUMNS = ("ID", "RECIPE", "FIGURE", "MEASURED", "REPORTED", "MET", "TIME")

Row = tuple[str, ...]


def rows(results: Sequence[ExperimentResult]) -> list[Row]:
    """Return a row of text for each figure of each result, in the order of :data:`COLUMNS`."""
    return [row for result in results for row in _rows(result)]


def experiment_table(results: Sequence[ExperimentResult], width: int | None = None) -> list[str]:
    """Return the rows as the lines of a table; each as a list of its own where the width, the terminal's, is too small.

    What several rows of a result share stands in the first. A figure that a better recipe misses is red.
    """
    width = terminal_width() if width is None else width
    shown = [_coloured(row, after) for result in results for after, row in enumerate(_rows(result))]
    lines = text_table(COLUMNS, shown, width=sys.maxsize)
    if max(map(display_width, lines)) <= width:
        return lines
    whole = [_coloured(row) for row in rows(results)]
    lists = [text_table(["", ""], zip(COLUMNS, row, strict=True), width=width)[1:] for row in whole]
    return [line for each in lists for line in ["", *each]][1:]


def markdown(results: Sequence[ExperimentResult]) -> str:
    """Return the rows as a Markdown table."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows(results)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _coloured(row: Row, after: int = 0) -> Row:
    """Return a row as it is shown ``after`` others of its result."""
    shared = {"ID", "RECIPE", "TIME"} if after else set()
    shown = tuple("" if column in shared else cell for column, cell in zip(COLUMNS, row, strict=True))
    missed = dict(zip(COLUMNS, row, strict=True)).items() >= {"RECIPE": "better", "MET": "no"}.items()
    return tuple(click.style(cell, fg="red") for cell in shown) if missed else shown


def _rows(result: ExperimentResult) -> Iterator[Row]:
    reported = result.experiment.reported
    for name, measured in result.figures.items():
        if name == "seconds":
            continue
        yield (
            result.experiment.id,
            result.recipe,
            name.replace("_", " "),
            str(measured),
            f"{reported[name]:.3f}" if name in reported else "–",
            {True: "yes", False: "no", None: "–"}[result.meets(name)],
            f"{result.seconds.mean:.1f} s",
        )
