"""What a run came to, as words and numbers: the same for its page, for several side by side, and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corenet.experiments.run_folder import RunFolder
from corenet.registry.sanitize import plain
from corenet.report.results_table import NONE, number

PARTS = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class Figure:
    """A metric: what it is on each part, by its name, and what the baseline has on the last of them."""

    name: str
    parts: Mapping[str, str]
    baseline: str


def figures_of(results: Mapping[str, Any]) -> list[Figure]:
    """Return the metrics of ``results.json`` that are numbers, those of several rounds as mean ± deviation.

    >>> results = {"metrics": {"train": {"r2": 0.9}, "test": {"r2": 0.85}}, "baseline": {"test": {"r2": -0.01}}}
    >>> figures_of(results)
    [Figure(name='r2', parts={'train': '0.900', 'test': '0.850'}, baseline='-0.010')]
    """
    metrics = results["metrics"]
    last = list(metrics)[-1]
    names = [name for name, value in metrics[last].items() if not isinstance(value, list)]
    baseline = results["baseline"].get(last, {})
    return [
        Figure(name, {part: number(of[name]) for part, of in metrics.items()}, number(baseline.get(name)))
        for name in names
    ]


def title_of(run: RunFolder) -> str:
    """Return what a run is about, in a line: what its experiment says, or what is predicted from what.

    Its data is a table, or is drawn or made.
    """
    results = run.results
    one = run.rounds[0].results if run.rounds else results
    source = Path(one["data"]["source"]).name
    said = results["title"] or (f"{results['target']} of {source}" if results["target"] else source)
    return plain(said)


def duration(seconds: float) -> str:
    """Return a time as a person would say it.

    >>> duration(0.0314), duration(5.25), duration(125), duration(7320)
    ('0.03 s', '5.2 s', '2 min 5 s', '2 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def differences(runs: Sequence[RunFolder]) -> dict[str, list[str]]:
    """Return each entry of the experiments that is not the same in all runs, by its dotted name, and what each has."""
    entries = [_flat(run.experiment.recipe.to_dict()) for run in runs]
    names = dict.fromkeys(name for each in entries for name in each)
    said = {name: [_said(each[name]) if name in each else NONE for each in entries] for name in names}
    differ = {name: values for name, values in said.items() if len(set(values)) > 1}
    if "data.source" in differ:  # other data has other columns
        return {name: values for name, values in differ.items() if not name.startswith("data.columns.")}
    return differ


def _flat(entries: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in entries.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[before + name] = value
    return found


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or NONE
    if isinstance(value, Mapping):
        return " ".join([str(value.get("name", "")), *(f"{k}={v}" for k, v in value.items() if k != "name")]).strip()
    return f"{value:g}" if isinstance(value, float) else plain(str(value))
