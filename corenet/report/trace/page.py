"""A trace as one HTML page that needs nothing else: no network, no script, no file beside it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from corenet.registry.sanitize import plain
from corenet.report.plots.drawing import bar, histogram
from corenet.report.trace.layer_check import ELEMENTS, Verdict
from corenet.report.trace.shown_source import backward_sources, source
from corenet.report.trace.table import figure, gradients, judgement, placed, shape, title_of
from corenet.report.trace.tensor_summary import Numbers
from corenet.report.trace.trace import LayerTrace, Trace

FIGURES = ("shape", "norm", "mean")  # the least and the largest stand below the histogram


def page(trace: Trace, title: str) -> str:
    """Return the trace as HTML. Whatever a plugin wrote is text in it, never markup.

    >>> import corenet as cn
    >>> from corenet.report.trace.trace import trace
    >>> model, data = cn.Sequential(cn.Linear(2, 1)), cn.data.disk(50, seed=0)
    >>> told = trace(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets)
    >>> "<title>one layer</title>" in page(told, "one layer")
    True
    """
    style = files("corenet.report.trace").joinpath("page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{_text(title)}</title>
<style>
{style}</style>
</head>
<body>
{_head(trace, title)}
{_norms(trace)}
{_forward(trace)}
{_backward(trace)}
{_step(trace)}
</body>
</html>
"""


def _head(trace: Trace, title: str) -> str:
    verdict = '<b class="ok">no gradient is wrong</b>' if trace.ok else '<b class="WRONG">a gradient is WRONG</b>'
    return f"""<h1>{_text(title)}</h1>
<p>One step of training on an input of {shape(trace.layers[0].input)}:
{_text(trace.loss)} was <b>{figure(trace.before)}</b> before it and is <b>{figure(trace.after)}</b> after it,
by {_text(trace.optimizer)}; {verdict}.</p>"""


def _norms(trace: Trace) -> str:
    """Return the norms along the network as bars: where they fade or grow, training is hard."""
    values = [layer.output.norm for layer in trace.layers]
    slopes = [layer.grad_output.norm if layer.grad_output else 0.0 for layer in trace.layers]
    rows = "".join(
        f"<tr><td>{_text(title_of(layer))}</td><td>{bar(value / (max(values) or 1), 'value')}</td>"
        f"<td>{figure(value)}</td><td>{bar(slope / (max(slopes) or 1), 'grad')}</td><td>{figure(slope)}</td></tr>"
        for layer, value, slope in zip(trace.layers, values, slopes, strict=True)
    )
    return f"""<h2>Along the network</h2>
<article><div class="scroll"><table class="bars">
<tr><th>layer</th><th></th><th>‖output‖</th><th></th><th>‖∂L/∂output‖</th></tr>{rows}</table></div></article>"""


def _forward(trace: Trace) -> str:
    cards = "".join(_forward_card(layer) for layer in trace.layers)
    return f"<h2>Forward</h2>\n<p>Each layer takes what the one before it gave.</p>\n{cards}"


def _forward_card(layer: LayerTrace) -> str:
    table = _table(FIGURES, [("input", *_figures(layer.input)), ("output", *_figures(layer.output))])
    drawn = histogram(layer.input, "input", "value") + histogram(layer.output, "output", "value")
    dead = ""
    if layer.dead:
        said = "zero, or without a gradient, for the whole batch"
        dead = f'<p class="dead">{layer.dead} of {layer.units} units are dead: {said}.</p>'
    left = f'{table}{dead}<div class="drawn">{drawn}</div>'
    return _card(title_of(layer), left, [source(layer.module, "forward")])


def _backward(trace: Trace) -> str:
    cards = "".join(_backward_card(layer) for layer in reversed(trace.layers))
    return f"""<h2>Backward</h2>
<p>From the loss to the data: each layer takes ∂L/∂output, adds to the gradients of its parameters, and passes
∂L/∂input on. The check computes the same without calculus, by (f(θ + h) − f(θ − h)) / 2h in float64, on the
input that the layer saw, for upstream gradients drawn at random and at most {ELEMENTS} elements θ of a tensor.
Beside its verdict stands the worst relative error.</p>
<p>{_text(trace.loss)}, its own gradient: {_word(trace.loss_verdict, "input")}</p>{_complaints(trace.loss_verdict)}
{cards}"""


def _backward_card(layer: LayerTrace) -> str:
    rows = [("∂L/∂output", *_figures(layer.grad_output), "")]
    drawn = [histogram(layer.grad_output, "∂L/∂output", "grad")] if layer.grad_output else []
    for name, key, numbers in gradients(layer):
        rows.append((_text(name), *_figures(numbers), _word(layer.verdict, key)))
        drawn += [histogram(numbers, plain(name), "grad")] if numbers else []
    left = f'{_table((*FIGURES, "check"), rows)}{_complaints(layer.verdict)}<div class="drawn">{"".join(drawn)}</div>'
    if layer.grad_input is None:
        left += '<p class="soft">Nobody asks for the gradient of the data, so nothing is passed on.</p>'
    return _card(title_of(layer), left, backward_sources(layer.module), layer.verdict.wrong)


def _step(trace: Trace) -> str:
    rows = [
        (
            _text(placed(layer, each.name)),
            shape(each.value),
            figure(each.value.norm),
            figure(each.step),
            figure(each.ratio),
        )
        for layer in trace.layers
        for each in layer.parameters
    ]
    table = _table(("shape", "‖w‖", "‖Δw‖", "‖Δw‖/‖w‖"), rows)
    told = f"<article>{table}</article>" if rows else "<p>The model has no parameter.</p>"
    return f"<h2>Step</h2>\n<p>{_text(trace.optimizer)} moves each parameter w by Δw.</p>\n{told}"


def _card(title: str, left: str, sources: list[str], wrong: bool = False) -> str:
    code = "".join(f"<pre><code>{escape(each)}</code></pre>" for each in sources)
    style = ' class="wrong"' if wrong else ""
    return (
        f'<article{style}><h3>{_text(title)}</h3><div class="pair"><div>{left}</div><div>{code}</div></div></article>\n'
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table whose cells are HTML already."""
    titles = "".join(f"<th>{each}</th>" for each in ("", *head))
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{titles}</tr>{body}</table></div>'


def _figures(numbers: Numbers | None) -> tuple[str, ...]:
    if numbers is None:
        return ("–",) * len(FIGURES)
    return shape(numbers), figure(numbers.norm), figure(numbers.mean)


def _word(verdict: Verdict, name: str) -> str:
    said = judgement(verdict, name)
    return f'<span class="{said.split(" ")[0]}">{said}</span>'


def _complaints(verdict: Verdict) -> str:
    return "".join(f'<p class="found">{escape(each)}</p>' for each in verdict.complaints())


def _text(text: str) -> str:
    return escape(plain(text))
