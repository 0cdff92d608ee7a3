"""The results of experiments, measured beside reported, as a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from corenet.experiments.run import ExperimentResult
from corenet.text_table import text_table
from corenet.text_width import display_width, terminal_width

COLUMNS = ("ID", "RECIPE", "TRAIN ERROR", "REPORTED", "TEST ERROR", "REPORTED", "MET", "TIME")

Row = tuple[str, ...]


def rows(results: Sequence[ExperimentResult]) -> list[Row]:
    """Return a row of text for each result, in the order of :data:`COLUMNS`."""
    return [_row(result) for result in results]


def experiment_table(results: Sequence[ExperimentResult], width: int | None = None) -> list[str]:
    """Return the rows as the lines of a table; each as a list of its own where the width, the terminal's, is too small.

    A better recipe that misses a reported figure is red.
    """
    width = terminal_width() if width is None else width
    coloured = [_coloured(result) for result in results]
    lines = text_table(COLUMNS, coloured, width=sys.maxsize)
    if max(map(display_width, lines)) <= width:
        return lines
    lists = [text_table(["", ""], zip(COLUMNS, row, strict=True), width=width)[1:] for row in coloured]
    return [line for each in lists for line in ["", *each]][1:]


def markdown(results: Sequence[ExperimentResult]) -> str:
    """Return the rows as a Markdown table."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows(results)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _coloured(result: ExperimentResult) -> Row:
    missed = result.met is False and result.recipe == "better"
    return tuple(click.style(cell, fg="red") for cell in _row(result)) if missed else _row(result)


def _row(result: ExperimentResult) -> Row:
    reported = {name: f"{value:.3f}" for name, value in result.experiment.reported.items()}
    met = {True: "yes", False: "no", None: "–"}[result.met]
    return (
        result.experiment.id,
        result.recipe,
        str(result.train_error),
        reported.get("train_error", "–"),
        str(result.test_error),
        reported.get("test_error", "–"),
        met,
        f"{result.seconds.mean:.1f} s",
    )
