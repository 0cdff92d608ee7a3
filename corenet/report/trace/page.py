"""A trace as one HTML page that needs nothing else: no network, no script, no file beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment

from corenet.report.html.templates import environment
from corenet.report.trace.formatting import format_number, format_shape, gradients, indexed, layer_title
from corenet.report.trace.formula import formulas
from corenet.report.trace.histogram import Histogram
from corenet.report.trace.layer_check import ELEMENTS
from corenet.report.trace.shown_source import backward_sources, shown_source
from corenet.report.trace.step_trace import StepTrace


def page(trace: StepTrace, title: str) -> str:
    """Return the trace as HTML. Whatever a plugin wrote is text in it, never markup.

    >>> import corenet as cn
    >>> from corenet.report.trace.step_trace import trace_step
    >>> model, data = cn.Sequential(cn.Linear(2, 1)), cn.data.disk(50, seed=0)
    >>> traced = trace_step(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets)
    >>> "<title>one layer</title>" in page(traced, "one layer")
    True
    """
    template = _environment().get_template("page.html.jinja")
    return template.render(trace=trace, title=title, norms=_norms(trace), elements=ELEMENTS)


@cache
def _environment() -> Environment:
    trace = environment("corenet.report.trace")
    trace.filters.update(shape=format_shape, number=format_number, title=layer_title, gradients=gradients)
    trace.globals.update(
        indexed=indexed,
        formulas=formulas,
        histogram=Histogram.of,
        shown_source=shown_source,
        backward_sources=backward_sources,
    )
    return trace


@dataclass(frozen=True)
class _Norm:
    """A norm, and its size in per cent of the largest of all layers."""

    norm: float
    percent: float


def _norms(trace: StepTrace) -> list[tuple[str, _Norm, _Norm]]:
    """Return for each layer its title and the norms of its output and of the gradient there."""
    outputs = [layer.output.norm for layer in trace.layers]
    slopes = [layer.grad_output.norm if layer.grad_output else 0.0 for layer in trace.layers]
    titles = map(layer_title, trace.layers)
    return list(zip(titles, _scaled(outputs), _scaled(slopes), strict=True))


def _scaled(norms: list[float]) -> list[_Norm]:
    largest = max(norms) or 1
    return [_Norm(norm, 100 * norm / largest if math.isfinite(norm / largest) else 0) for norm in norms]
