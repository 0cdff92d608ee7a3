"""What a run came to, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corenet.registry.sanitize import plain
from corenet.text_table import text_table

PARTS = ("train", "valid", "test")
NONE = "–"


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
        (name, *(number(metrics[part].get(name)) for part in parts), number(baseline[last].get(name)))
        for name, value in metrics[last].items()
        if not isinstance(value, list)
    ]
    heading = ("METRIC", *(part.upper() for part in parts), "BASELINE")
    lines = [
        *text_table(heading, rows, right=range(1, len(heading))),
        f"baseline: {plain(baseline['is'])}",
    ]
    if best := results.get("best_epoch"):
        lines.append(f"weights: those of epoch {best:,}, the best of {results['epochs']:,}")
    return lines


def number(value: Any) -> str:
    """Return a number, its mean ± deviation over rounds, or a dash for none.

    >>> number(0.98765), number({"mean": 56.85, "std": 5.5}), number(None)
    ('0.988', '56.85 ± 5.50', '–')
    """
    if value is None or isinstance(value, Mapping):
        return NONE if value is None or value["mean"] is None else _with_deviation(value["mean"], value["std"])
    return _figure(value)


def _with_deviation(mean: float, deviation: float) -> str:
    text = _figure(mean)
    _, point, decimals = text.partition(".")
    is_short = "e" in text or not point
    return f"{text} ± {_figure(deviation) if is_short else f'{deviation:.{len(decimals)}f}'}"


def _figure(value: float) -> str:
    """Return a number with three digits behind the point, or the four that count where it is large or near zero.

    >>> _figure(0.98765), _figure(0.00046512), _figure(-12345.6)
    ('0.988', '0.0004651', '-1.235e+04')
    """
    return f"{value:.3f}" if value == 0 or 0.01 <= abs(value) < 10 else f"{value:.4g}"
