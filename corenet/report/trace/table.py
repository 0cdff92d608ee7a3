"""A trace as tables for the terminal: forward, the loss, backward, and the step."""

from __future__ import annotations

from collections.abc import Iterator

import click

from corenet.report.trace.formatting import NONE, format_number, format_shape, gradients, indexed, layer_title
from corenet.report.trace.layer_check import GradientCheck
from corenet.report.trace.step_trace import StepTrace
from corenet.report.trace.tensor_summary import TensorSummary
from corenet.text_table import text_table
from corenet.text_width import terminal_width, wrap

WIDE = 76  # columns that leave room for the extremes
COLOURS = {"agrees": "green", "wrong": "red", "rule_broken": "red"}

Row = list[str]


def trace_tables(trace: StepTrace, width: int | None = None) -> list[str]:
    """Return the trace as lines of at most ``width`` columns, by default the terminal's; words stay whole.

    A terminal of fewer than 76 columns has no room for the extremes of a tensor.

    >>> import corenet as cn
    >>> from corenet.report.trace.step_trace import trace_step
    >>> model, data = cn.Sequential(cn.Linear(2, 1)), cn.data.disk(50, seed=0)
    >>> optimizer = cn.SGD(model.parameters(), lr=0.1)
    >>> lines = trace_tables(trace_step(model, cn.MSELoss(), optimizer, data.inputs, data.targets), width=80)
    >>> [line.split()[0] for line in lines if line.isupper() or line.startswith("[0] Linear")]
    ['FORWARD', '[0]', 'BACKWARD', '[0]', 'STEP']
    """
    width = terminal_width() if width is None else width
    numbers = ["norm", "min", "mean", "max"] if width >= WIDE else ["norm", "mean"]
    heading = ["SHAPE", *map(str.upper, numbers)]
    right = range(2, 2 + len(numbers))
    forward, backward, step = list(_forward(trace, numbers)), list(_backward(trace, numbers)), list(_step(trace))
    parts = [
        text_table(["FORWARD", *heading, "DEAD UNITS"], forward, right=right, wrapped=0, width=width),
        wrap(_loss(trace), width),
        text_table(["BACKWARD", *heading, "CHECK"], backward, right=right, wrapped=0, width=width),
        text_table(["STEP", "SHAPE", "NORM", "CHANGE", "RELATIVE"], step, right={2, 3, 4}, wrapped=0, width=width),
        wrap(f"by {trace.optimizer}", width, first="  ", rest="  "),
        list(_problems(trace, width)),
    ]
    return [line for part in parts if part for line in [*part, ""]][:-1]


def _forward(trace: StepTrace, numbers: list[str]) -> Iterator[Row]:
    for name, each in trace.layers[0].inputs.items():
        yield _row(name, each, numbers)
    for layer in trace.layers:
        dead = "" if layer.units is None else f"{layer.dead} of {layer.units}"
        yield _row(layer_title(layer), layer.output, numbers, click.style(dead, fg="yellow") if layer.dead else dead)
        for name, each in list(layer.outputs.items())[1:]:
            yield _row(f"  {name}", each, numbers)


def _loss(trace: StepTrace) -> str:
    before, after = format_number(trace.before), format_number(trace.after)
    return click.style(f"{trace.loss}: {before} before the step, {after} after it", bold=True)


def _backward(trace: StepTrace, numbers: list[str]) -> Iterator[Row]:
    for name, each in trace.layers[-1].grad_outputs.items():
        if each is not None:
            place, of_loss = ("", "input") if name == "output" else (f", {name}", name.replace("output", "input"))
            yield _row(f"from {trace.loss}{place}", each, numbers, _coloured(trace.loss_check.gradient(of_loss)))
    for layer in reversed(trace.layers):
        yield [layer_title(layer), *[""] * (len(numbers) + 2)]
        for title, name, gradient in gradients(layer):
            yield _row(f"  {title}", gradient, numbers, _coloured(layer.check.gradient(name)))


def _step(trace: StepTrace) -> Iterator[Row]:
    for layer in trace.layers:
        for each in layer.parameters:
            figures = map(format_number, (each.value.norm, each.step, each.ratio))
            yield [indexed(layer, each.name), format_shape(each.value.shape), *figures]


def _row(name: str, summary: TensorSummary | None, numbers: list[str], last: str = "") -> Row:
    if summary is None:
        return [f"{name}, not needed", *[NONE] * (len(numbers) + 1), last]
    return [name, format_shape(summary.shape), *(format_number(getattr(summary, each)) for each in numbers), last]


def _problems(trace: StepTrace, width: int) -> Iterator[str]:
    checks = [*((layer_title(layer), layer.check) for layer in trace.layers), (trace.loss, trace.loss_check)]
    for title, check in checks:
        for problem in check.problems():
            first, *rest = f"{title}: {problem.detail}".splitlines()
            lines = wrap(first, width, rest="    ")
            lines += [line for each in rest for line in wrap(each, width, first="    ", rest="    ")]
            yield from (click.style(line, fg=COLOURS.get(problem.code, "yellow")) for line in lines)


def _coloured(check: GradientCheck) -> str:
    return click.style(check.text, fg=COLOURS.get(check.code, "yellow"), bold=check.wrong or None)
