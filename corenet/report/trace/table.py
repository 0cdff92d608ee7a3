"""A trace as tables for the terminal: forward, the loss, back again, and the step."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from corenet.registry.sanitize import plain
from corenet.report.trace.layer_check import Verdict
from corenet.report.trace.tensor_summary import Numbers
from corenet.report.trace.trace import LayerTrace, Trace


def told(trace: Trace) -> RenderableType:
    """Return the trace as one thing for a rich console; 80 columns hold it.

    >>> import corenet as cn
    >>> from rich.console import Console
    >>> from corenet.report.trace.trace import trace
    >>> model, data = cn.Sequential(cn.Linear(2, 1)), cn.data.disk(50, seed=0)
    >>> story = told(trace(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets))
    >>> with Console(width=80) as console, console.capture() as printed:
    ...     console.print(story)
    >>> "Linear(2 → 1)" in printed.get()
    True
    """
    return Group(_forward(trace), _loss(trace), _backward(trace), _step(trace), *_complaints(trace))


def shape(numbers: Numbers) -> str:
    """Return a shape as ``100×25``.

    >>> import torch
    >>> shape(Numbers.of(torch.zeros(100, 25)))
    '100×25'
    """
    return "×".join(map(str, numbers.shape)) or "scalar"


def figure(value: float | None) -> str:
    """Return a number in three digits, in two where it needs a power of ten; a dash for none.

    >>> figure(0.012345), figure(-12345.6), figure(None)
    ('0.0123', '-1.2e+04', '–')
    """
    if value is None:
        return "–"
    short = f"{value:.3g}"
    return f"{value:.1e}" if "e" in short or len(short) > 8 else short


def judgement(verdict: Verdict, name: str) -> str:
    """Return what the check says of one gradient, in a word, and its worst relative error."""
    report = verdict.of(name)
    if report is None:
        return "WRONG" if verdict.wrong else "not checked"
    if not report.ok:
        return f"WRONG {report.error:.0e}"
    return f"ok {report.error:.0e}" if report.checked else "at a kink" if report.kinks else "nothing"


def gradients(layer: LayerTrace) -> Iterator[tuple[str, str, Numbers | None]]:
    """Yield ``(title, name in the check, numbers)`` for each gradient that a layer computes."""
    for parameter in layer.parameters:
        yield f"∂ {parameter.name}", parameter.name, parameter.gradient
    yield "passed on", "input", layer.grad_input


def title_of(layer: LayerTrace) -> str:
    """Return a layer's place and what it is."""
    return placed(layer, layer.label)


def placed(layer: LayerTrace, name: str) -> str:
    """Return ``name`` behind the place of its layer; a lone module has none."""
    return f"[{layer.path}] {name}" if layer.path else name


def _forward(trace: Trace) -> Table:
    table = _table("FORWARD", "DEAD UNITS")
    _row(table, "input", trace.layers[0].input, "")
    for layer in trace.layers:
        dead = "" if layer.units is None else f"{layer.dead} of {layer.units}"
        _row(table, title_of(layer), layer.output, dead, "yellow" if layer.dead else None)
    return table


def _loss(trace: Trace) -> Text:
    line = f"  {trace.loss}  {figure(trace.before)} before the step, {figure(trace.after)} after it\n"
    return Text(line, style="bold")


def _backward(trace: Trace) -> Table:
    table = _table("BACKWARD", "CHECK")
    last = trace.layers[-1].grad_output
    if last is not None:
        _row(table, f"from {trace.loss}", last, judgement(trace.loss_verdict, "input"), _colour(trace.loss_verdict))
    for layer in reversed(trace.layers):
        table.add_section()
        table.add_row(Text(title_of(layer), style="bold"))
        for title, name, gradient in gradients(layer):
            _row(table, f"  {title}", gradient, judgement(layer.verdict, name), _colour(layer.verdict, name))
    return table


def _step(trace: Trace) -> RenderableType:
    table = Table("STEP", "SHAPE", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("NORM", "CHANGE", "RELATIVE"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in trace.layers:
        for each in layer.parameters:
            path = Text(plain(placed(layer, each.name)))
            table.add_row(path, shape(each.value), figure(each.value.norm), figure(each.step), figure(each.ratio))
    return Group(table, Text(f"  by {trace.optimizer}"))


def _complaints(trace: Trace) -> list[Text]:
    checked = [*((title_of(layer), layer.verdict) for layer in trace.layers), (trace.loss, trace.loss_verdict)]
    return [
        Text(f"{title}: {complaint}", style="red" if verdict.wrong else "yellow")
        for title, verdict in checked
        for complaint in verdict.complaints()
    ]


def _table(first: str, last: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(first)  # the one that wraps where the width does not suffice
    table.add_column("SHAPE", no_wrap=True)
    for name in ("NORM", "MIN", "MEAN", "MAX"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(last, no_wrap=True)
    return table


def _row(table: Table, name: str, numbers: Numbers | None, last: str, style: str | None = None) -> None:
    if numbers is None:
        table.add_row(Text(f"{name}: unasked"), *"–––––", Text(last, style=style or ""))
        return
    figures = (figure(each) for each in (numbers.norm, numbers.min, numbers.mean, numbers.max))
    table.add_row(Text(name), shape(numbers), *figures, Text(last, style=style or ""))


def _colour(verdict: Verdict, name: str = "input") -> str:
    word = judgement(verdict, name).split(" ")[0]
    return {"WRONG": "bold red", "ok": "green"}.get(word, "yellow")
