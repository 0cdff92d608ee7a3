"""A histogram of a tensor as the rectangles of a small drawing."""

from __future__ import annotations

from dataclasses import dataclass

from corenet.report.trace.tensor_summary import TensorSummary

WIDTH, HEIGHT = 240, 44
GAP = 1  # between two bars


@dataclass(frozen=True)
class Bar:
    """A rectangle: the corner at the upper left, and the size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Histogram:
    """The bars of a histogram in a space of 240 × 44, the extremes below it, and where zero is, if it is within."""

    bars: tuple[Bar, ...]
    low: str
    high: str
    zero: float | None
    width: int = WIDTH
    height: int = HEIGHT

    @classmethod
    def of(cls, summary: TensorSummary) -> Histogram | None:
        """Return the drawing of a summary; None where it counted no value.

        >>> import torch
        >>> len(Histogram.of(TensorSummary.of(torch.tensor([-1.0, 1.0]))).bars)
        2
        """
        counts = summary.histogram
        if not counts:
            return None
        width, most = WIDTH / len(counts), max(counts)
        bars = [_bar(place * width, width - GAP, count / most) for place, count in enumerate(counts) if count]
        return cls(tuple(bars), f"{summary.min:.3g}", f"{summary.max:.3g}", _zero(summary))


def _bar(x: float, width: float, part: float) -> Bar:
    height = max(1.0, part * HEIGHT)
    return Bar(x, HEIGHT - height, width, height)


def _zero(summary: TensorSummary) -> float | None:
    if not summary.min < 0 < summary.max:
        return None
    return -summary.min / (summary.max - summary.min) * WIDTH
