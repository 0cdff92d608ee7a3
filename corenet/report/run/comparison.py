"""Runs side by side, on a terminal: what differs in their experiments, what came of each, and how long it took."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corenet.experiments.run_folder import RunFolder
from corenet.registry.sanitize import plain
from corenet.report.results_table import number
from corenet.report.run.figures import PARTS, differences, duration
from corenet.text_table import text_table
from corenet.text_width import display_width, terminal_width


@dataclass(frozen=True)
class Comparison:
    """Runs by their names, and what each has of the entries that are not the same in all experiments."""

    runs: Mapping[str, RunFolder]
    entries: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, runs: Mapping[str, RunFolder]) -> Comparison:
        """Return the comparison of runs."""
        return cls(runs, differences(list(runs.values())))

    @property
    def heading(self) -> list[str]:
        """The names of the columns of a row."""
        return ["run", *self.entries, *self._metrics, "time"]

    @property
    def rows(self) -> list[list[str]]:
        """A row for each run: its name, its entries, its metrics on the part that says most, and its seconds."""
        return [
            [
                plain(name),
                *(values[place] for values in self.entries.values()),
                *(number(_last(run).get(metric)) for metric in self._metrics),
                duration(run.results["seconds"]),
            ]
            for place, (name, run) in enumerate(self.runs.items())
        ]

    def to_list(self) -> list[dict[str, Any]]:
        """Return a dict of plain values for each run, for JSON."""
        return [
            {
                "run": str(run.path),
                "differs": {entry: values[place] for entry, values in self.entries.items()},
                "metrics": run.results["metrics"],
                "seconds": run.results["seconds"],
            }
            for place, run in enumerate(self.runs.values())
        ]

    @property
    def _metrics(self) -> list[str]:
        return list(dict.fromkeys(name for run in self.runs.values() for name in _last(run)))


def comparison_table(found: Comparison, width: int | None = None) -> list[str]:
    """Return a line for each run; where the ``width``, the terminal's, is too small, a column for each, or a list."""
    width = terminal_width() if width is None else width
    heading, rows = [each.upper() for each in found.heading], found.rows
    turned = list(zip(heading, *rows, strict=True))
    for first, *others in ([heading, *rows], turned):
        lines = text_table(first, others, right=range(1, len(first)), width=sys.maxsize)
        if max(map(display_width, lines)) <= width:
            return lines
    lists = [text_table([row[0], ""], list(zip(heading, row, strict=True))[1:], width=width) for row in rows]
    return [line for each in lists for line in ["", *each]][1:]


def _last(run: RunFolder) -> dict[str, Any]:
    """Return the metrics that are numbers, of the part that says most, by name and part."""
    part, metrics = list(run.results["metrics"].items())[-1]
    return {f"{name}, {PARTS[part]}": each for name, each in metrics.items() if not isinstance(each, list)}
