"""What a run came to, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corenet.registry.sanitize import plain
from corenet.text_table import text_table

PARTS = ("train", "valid", "test")


def results_table(results: Mapping[str, Any]) -> list[str]:
    """Return a line for each metric on each part, beside the baseline on the part that says most; and what that says.

    >>> found = {"train": {"accuracy": 1.0}, "test": {"accuracy": 0.9}}
    >>> without = {"is": "always 'no'", "train": {"accuracy": 0.5}, "test": {"accuracy": 0.55}}
    >>> print(*results_table({"metrics": found, "baseline": without}), sep="\\n")
    METRIC    TRAIN   TEST  BASELINE
    accuracy  1.000  0.900     0.550
    baseline: always 'no'
    """
    metrics, baseline = results["metrics"], results["baseline"]
    parts = [part for part in PARTS if part in metrics]
    last = parts[-1]
    rows = [
        (name, *(_number(metrics[part].get(name)) for part in parts), _number(baseline[last].get(name)))
        for name, value in metrics[last].items()
        if not isinstance(value, list)
    ]
    heading = ("METRIC", *(part.upper() for part in parts), "BASELINE")
    return [
        *text_table(heading, rows, right=range(1, len(heading))),
        f"baseline: {plain(baseline['is'])}",
    ]


def _number(value: Any) -> str:
    """Return a number, or its mean and deviation over rounds."""
    if isinstance(value, Mapping):
        return "–" if value["mean"] is None else f"{_figure(value['mean'])} ± {_figure(value['std'])}"
    return "–" if value is None else _figure(value)


def _figure(value: float) -> str:
    """Return a number with three digits behind the point, or four that count where it is large.

    >>> _figure(0.98765), _figure(-12345.6)
    ('0.988', '-1.235e+04')
    """
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"
