"""The style of corenet's figures: one palette, one look of axes.

Figures are matplotlib's Figure objects, without pyplot: no window, no global state.
"""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from corenet.data import DISK_RADIUS
from corenet.errors import MissingExtraError
from corenet.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Blue and vermillion of Okabe and Ito: distinct with any kind of colour vision, and in grey.
OUTSIDE, MIDDLE, INSIDE = "#0072b2", "#f7f7f7", "#d55e00"
INK, FAINT = "#1a1a1a", "#d9d9d9"
DPI = 150
TITLE, LABEL, SMALL = 13, 11, 10


def new_figure(title: str, width: float, height: float) -> Figure:
    """Return an empty figure of ``width`` × ``height`` inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401 - by itself, since matplotlib.figure may be imported where the package is hidden
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingExtraError('figures need matplotlib; run: pip install "corenet[plot]"') from error
    figure = Figure(
        figsize=(width, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1), facecolor="white"
    )
    plain = title.replace("$", r"\$")  # wrapped text is parsed as a formula even with parse_math=False
    figure.suptitle(plain, fontsize=TITLE, fontweight="bold", color=INK, wrap=True)
    return figure


def write_png(figure: Figure, path: str | Path) -> Path:
    """Write the figure to ``path``, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    png = BytesIO()
    figure.savefig(png, format="png", dpi=DPI)
    return write_bytes(path, png.getvalue())


def dress(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Set the labels of the axes, and the look that all figures share."""
    axes.set_title(title, fontsize=LABEL, color=INK)
    axes.set_xlabel(x, fontsize=LABEL, color=INK)
    axes.set_ylabel(y, fontsize=LABEL, color=INK)
    axes.tick_params(labelsize=SMALL, color=INK, labelcolor=INK)
    axes.spines[:].set_color(INK)
    axes.spines[:].set_linewidth(0.8)


def unit_square(axes: Axes, title: str = "") -> None:
    """Show the unit square with equal axes."""
    dress(axes, title, "x₁", "x₂")
    ticks = (0, 0.25, 0.5, 0.75, 1)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=ticks, yticks=ticks)


def true_circle(axes: Axes, linestyle: str) -> Line2D:
    """Draw the circle between the two classes, and return it for the legend."""
    angle = torch.linspace(0, 2 * math.pi, 361)
    x, y = 0.5 + DISK_RADIUS * angle.cos(), 0.5 + DISK_RADIUS * angle.sin()
    (line,) = axes.plot(x.numpy(), y.numpy(), color=INK, linewidth=1, linestyle=linestyle)
    return line


def legend_below(figure: Figure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """Add one legend for the whole figure below its panels."""
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), fontsize=SMALL, frameon=False, labelcolor=INK
    )
