"""The output of a model over the unit square, as text for the terminal."""

from __future__ import annotations

from itertools import groupby

from rich.color import Color, ColorSystem, blend_rgb
from rich.console import Console
from rich.style import Style
from torch import Tensor

from corenet.errors import ConfigError
from corenet.report.plots.decision_surface import DecisionSurface
from corenet.report.plots.style import INK, INSIDE, MIDDLE, OUTSIDE

LEAST_WIDTH = 16
STEPS = 4
SHADES, LINE = " ░▓█", "▒"
# The colour systems with enough colours for a map; for any other it is drawn in shades.
SYSTEMS = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT}


def decision_map(surface: DecisionSurface, width: int = 42, color: str | None = "auto") -> str:
    """Return the output of a model over the unit square as text, in a frame, with the decision line and a legend.

    Args:
        surface: the output, and its threshold.
        width: columns of the drawing; its height is about half as many lines, so that it looks square.
        color: the name of a colour system, as in rich. ``"truecolor"`` and ``"256"`` draw two
            coloured cells a character, all others, and None, draw shades of the terminal's own colour.
            ``"auto"`` asks standard output.

    Raises:
        ConfigError: ``width`` is below 16.

    >>> surface = DecisionSurface(lambda points: 1 - (points - 0.5).norm(dim=1), threshold=0.6, low=0.4, high=0.8)
    >>> print(decision_map(surface, width=18, color=None))
    ┌────────────────┐
    │    ░░░░░░░░    │
    │  ░░▒▒▒▒▒▒▒▒░░  │
    │ ░▒▒████████▒▒░ │
    │░░▒██████████▒░░│
    │░░▒██████████▒░░│
    │ ░▒▒████████▒▒░ │
    │  ░░▒▒▒▒▒▒▒▒░░  │
    │    ░░░░░░░░    │
    └────────────────┘
     output 0.4 [ ░▓█] 0.8, ▒ decision line at 0.6
    """
    if width < LEAST_WIDTH:
        raise ConfigError(
            f"a decision map needs a width of at least {LEAST_WIDTH}, not {width}", name="width", value=width
        )
    columns = width - 2
    system = SYSTEMS.get(str(_shown_by_stdout() if color == "auto" else color))
    rows = _shaded(surface, columns) if system is None else _coloured(surface, columns, system)
    rule = "─" * columns
    return "\n".join([f"┌{rule}┐", *(f"│{row}│" for row in rows), f"└{rule}┘", _legend(surface, system)])


def _shown_by_stdout() -> str | None:
    console = Console()
    return None if console.no_color else console.color_system


def _shaded(surface: DecisionSurface, columns: int) -> list[str]:
    """Return rows of one cell a character."""
    output = surface.grid(columns // 2, columns)
    edge, levels = _edge(output > surface.threshold).tolist(), surface.levels(output).tolist()
    return [
        "".join(LINE if on_edge else _shade(level) for on_edge, level in zip(*row, strict=True))
        for row in zip(edge, levels, strict=True)
    ]


def _coloured(surface: DecisionSurface, columns: int, system: ColorSystem) -> list[str]:
    """Return rows of two cells a character: the upper half block in one colour, on a ground in the other."""
    output = surface.grid(columns // 2 * 2, columns)
    edge, levels = _edge(output > surface.threshold).tolist(), surface.levels(output).tolist()
    cells = [
        [Color.parse(INK) if on_edge else _colour(level) for on_edge, level in zip(*row, strict=True)]
        for row in zip(edge, levels, strict=True)
    ]
    return [_half_blocks(upper, lower, system) for upper, lower in zip(cells[::2], cells[1::2], strict=True)]


def _half_blocks(upper: list[Color], lower: list[Color], system: ColorSystem) -> str:
    runs = ((pair, len(list(run))) for pair, run in groupby(zip(upper, lower, strict=True)))
    return "".join(Style(color=top, bgcolor=ground).render("▀" * n, color_system=system) for (top, ground), n in runs)


def _edge(inside: Tensor) -> Tensor:
    """Return the cells inside that have a cell outside to their left or right, above or below."""
    core = inside.clone()
    core[1:] &= inside[:-1]
    core[:-1] &= inside[1:]
    core[:, 1:] &= inside[:, :-1]
    core[:, :-1] &= inside[:, 1:]
    return inside & ~core


def _shade(level: float) -> str:
    return SHADES[min(int((level + 1) / 2 * len(SHADES)), len(SHADES) - 1)]


def _colour(level: float) -> Color:
    # In few steps, so that the nearest of 256 colours still form a ramp.
    level = round(level * STEPS) / STEPS
    end, middle = (Color.parse(name).get_truecolor() for name in (INSIDE if level > 0 else OUTSIDE, MIDDLE))
    return Color.from_triplet(blend_rgb(middle, end, abs(level)))


def _legend(surface: DecisionSurface, system: ColorSystem | None) -> str:
    """Return the scale of the output, and a sample of the decision line between the two classes."""
    scale, line = f"[{SHADES}]", LINE
    if system is not None:
        colours = [_colour(step / STEPS) for step in range(-STEPS, STEPS + 1)]
        scale = _half_blocks(colours, colours, system)
        # Between its two classes, as on the map: by itself, ink is lost on a dark terminal and white on a light one.
        mark = [Color.parse(name) for name in (OUTSIDE, INK, INSIDE)]
        line = _half_blocks(mark, mark, system)
    return f" output {surface.low:g} {scale} {surface.high:g}, {line} decision line at {surface.threshold:g}"
