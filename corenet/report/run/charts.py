"""The curves of runs: of one, training beside validation; of several, each run a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corenet.experiments.run_folder import RunFolder
from corenet.report.html.line_chart import Curve, LineChart
from corenet.report.run.figures import PARTS

Epochs = Sequence[Mapping[str, Any]]
NO_METRIC = ("epoch", "lr", "seconds")


def curves_of(run: RunFolder) -> list[LineChart]:
    """Return a drawing for the loss, for each metric, and for the learning rate where it changes."""
    rounds, best = _histories(run), run.results.get("best_epoch")
    charts = [
        LineChart.of(name, [Curve(PARTS[part], _column(rounds, column)) for part, column in columns.items()], best)
        for name, columns in _metrics(rounds).items()
    ]
    rates = _column(rounds, "lr")
    if len({rate for each in rates for rate in each}) > 1:
        charts.append(LineChart.of("learning rate", [Curve("learning rate", rates)]))
    return [chart for chart in charts if chart]


def curves_over(runs: Mapping[str, RunFolder]) -> list[LineChart]:
    """Return a drawing for the loss and each metric that runs have, of the validation part where they all have one."""
    histories = {name: _histories(run) for name, run in runs.items()}
    metrics = [_metrics(rounds) for rounds in histories.values()]
    charts = []
    for name in dict.fromkeys(name for each in metrics for name in each):
        parts = [set(each.get(name, {})) for each in metrics]
        part = next((part for part in ("valid", "train") if all(part in each for each in parts)), None)
        if part is None:
            continue
        curves = [
            Curve(run, _column(rounds, each[name][part]))
            for (run, rounds), each in zip(histories.items(), metrics, strict=True)
        ]
        charts.append(LineChart.of(f"{name}, {PARTS[part]}", curves))
    return [chart for chart in charts if chart]


def _histories(run: RunFolder) -> list[Epochs]:
    return [each.history() for each in run.rounds or (run,)]


def _metrics(rounds: Sequence[Epochs]) -> dict[str, dict[str, str]]:
    """Return the column of each metric that is a number, by its name and its part."""
    found: dict[str, dict[str, str]] = {}
    for row in (row for epochs in rounds for row in epochs[:1]):
        for column, value in row.items():
            if column in NO_METRIC or isinstance(value, list | dict | str):
                continue
            part, _, name = column.partition("_") if column != "loss" else ("train", "", "loss")
            found.setdefault(name, {})[part] = column
    return found


def _column(rounds: Sequence[Epochs], column: str) -> tuple[list[float | None], ...]:
    return tuple([row.get(column) for row in epochs] for epochs in rounds)
