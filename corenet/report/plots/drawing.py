"""Small drawings for a page: inline SVG and CSS, coloured by the page's own style."""

from __future__ import annotations

import math
from html import escape

from corenet.report.trace.tensor_summary import Numbers

WIDTH, HEIGHT = 240, 44


def histogram(numbers: Numbers, what: str, style: str) -> str:
    """Return the histogram of a tensor as SVG with its range below, and a line at zero where zero is within.

    >>> import torch
    >>> histogram(Numbers.of(torch.tensor([-1.0, 1.0])), "output", "value").count("<rect")
    2
    """
    if not numbers.histogram:
        return ""
    width, most = WIDTH / len(numbers.histogram), max(numbers.histogram)
    bars = "".join(_bar(place * width, width, count / most) for place, count in enumerate(numbers.histogram) if count)
    label = escape(f"histogram of {what}, from {numbers.min:.3g} to {numbers.max:.3g}")
    return (
        f'<figure class="{style}"><svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{bars}{_zero(numbers)}</svg>'
        f"<figcaption><span>{numbers.min:.3g}</span><b>{escape(what)}</b><span>{numbers.max:.3g}</span></figcaption>"
        "</figure>"
    )


def bar(part: float, style: str) -> str:
    """Return a horizontal bar that fills ``part``, in [0, 1], of its place.

    >>> bar(0.5, "value")
    '<i class="bar value" style="width:50.0%"></i>'
    """
    return f'<i class="bar {style}" style="width:{100 * part if math.isfinite(part) else 0:.1f}%"></i>'


def _bar(x: float, width: float, part: float) -> str:
    height = max(1.0, part * HEIGHT)
    return f'<rect x="{x:.1f}" y="{HEIGHT - height:.1f}" width="{width - 1:.1f}" height="{height:.1f}"/>'


def _zero(numbers: Numbers) -> str:
    if not numbers.min < 0 < numbers.max:
        return ""
    x = -numbers.min / (numbers.max - numbers.min) * WIDTH
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT}"/>'
