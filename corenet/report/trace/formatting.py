"""The words and numbers of a trace, the same on a terminal and on a page."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry.sanitize import plain
from corenet.report.trace.layer_trace import LayerTrace
from corenet.report.trace.tensor_summary import TensorSummary

NONE = "–"


def format_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as ``100×25``.

    >>> format_shape((100, 25))
    '100×25'
    """
    return "×".join(map(str, shape)) or "scalar"


def format_number(value: float | None) -> str:
    """Return a number in three digits, in two where it needs a power of ten; a dash for none.

    >>> format_number(0.012345), format_number(-12345.6), format_number(None)
    ('0.0123', '-1.2e+04', '–')
    """
    if value is None:
        return NONE
    short = f"{value:.3g}"
    return f"{value:.1e}" if "e" in short or len(short) > 8 else short


def gradients(layer: LayerTrace) -> Iterator[tuple[str, str, TensorSummary | None]]:
    """Yield ``(title, name in the check, summary)`` for each gradient that a layer computes."""
    for parameter in layer.parameters:
        yield plain(f"∂L/∂{parameter.name}"), parameter.name, parameter.gradient
    for name in (each for each in layer.inputs if each not in layer.integers):
        yield plain(f"∂L/∂{name}"), name, layer.grad_inputs.get(name)


def layer_title(layer: LayerTrace) -> str:
    """Return a layer's index and what it is, ``[0] Linear(2 → 25)``."""
    return indexed(layer, layer.label)


def indexed(layer: LayerTrace, name: str) -> str:
    """Return ``name`` behind the index of its layer; a model of a single module has none."""
    return plain(f"[{layer.path}] {name}" if layer.path else name)
