"""The numbers themselves: each small tensor of a step as a matrix, beside the formulas that it comes from."""

from __future__ import annotations

from collections.abc import Iterator

import click

from corenet.report.trace.formatting import format_number, format_shape, gradients, indexed, layer_title
from corenet.report.trace.formula import formulas
from corenet.report.trace.layer_trace import LayerTrace
from corenet.report.trace.step_trace import StepTrace
from corenet.report.trace.tensor_summary import TensorSummary
from corenet.text_width import display_width, pad, terminal_width, wrap

BETWEEN = "   "
INDENT = "  "

Block = list[str]


def trace_numbers(trace: StepTrace, width: int | None = None) -> list[str]:
    """Return a step in numbers, in lines of at most ``width`` columns, by default the terminal's.

    A tensor of more than 64 numbers is told by its norm; ``corenet trace --batch-size 3`` makes it smaller. A row of
    a matrix is a point, and rows that are wider than the terminal go on in the next line.

    >>> import corenet as cn, torch
    >>> neuron, input, target = cn.Linear(1, 1), torch.tensor([[3.0]]), torch.tensor([[2.0]])
    >>> _ = neuron.weight.fill_(0.5), neuron.bias.fill_(-1.0)
    >>> traced = cn.trace(neuron, cn.MSELoss(), cn.SGD(neuron.parameters(), lr=0.02), input, target)
    >>> print(traced.numbers())
    FORWARD
    Linear(1 → 1)   Affine map y = x Wᵀ + b.
                    dW = dyᵀ x     db = Σₙ dyₙ     dx = dy W
      input 1×1   weight 1×1   bias 1   output 1×1
      3           0.5          -1       0.5
    <BLANKLINE>
    MSELoss(): 2.25 before the step, 0.81 after it
    <BLANKLINE>
    BACKWARD
    Linear(1 → 1)
      ∂L/∂output 1×1   ∂L/∂weight 1×1   ∂L/∂bias 1
      -3               -9               -3
    <BLANKLINE>
    STEP
      weight 1×1   bias 1
      0.68         -0.94
      by SGD(2 parameters, lr=0.02)
    """
    width = terminal_width() if width is None else width
    before, after = format_number(trace.before), format_number(trace.after)
    parts = [
        [_bold("FORWARD"), *(line for layer in trace.layers for line in _forward(layer, width))],
        wrap(_bold(f"{trace.loss}: {before} before the step, {after} after it"), width),
        [_bold("BACKWARD"), *(line for layer in reversed(trace.layers) for line in _backward(layer, width))],
        [_bold("STEP"), *_step(trace, width)],
    ]
    return [line for part in parts for line in [*part, ""]][:-1]


def _forward(layer: LayerTrace, width: int) -> Iterator[str]:
    title = layer_title(layer)
    beside = " " * display_width(title + BETWEEN)
    for number, each in enumerate(formulas(layer.module)):
        yield from wrap(each, width, first=beside if number else title + BETWEEN, rest=beside)
    tensors = {**layer.inputs, **{each.name: each.value for each in layer.parameters}, **layer.outputs}
    yield from _side_by_side([_block(name, each) for name, each in tensors.items()], width)


def _backward(layer: LayerTrace, width: int) -> Iterator[str]:
    yield layer_title(layer)
    blocks = [_block(f"∂L/∂{name}", each) for name, each in layer.grad_outputs.items() if each is not None]
    blocks += [_block(title, each) for title, _, each in gradients(layer) if each is not None]
    yield from _side_by_side(blocks, width)


def _step(trace: StepTrace, width: int) -> Iterator[str]:
    blocks = [_block(indexed(layer, each.name), each.after) for layer in trace.layers for each in layer.parameters]
    yield from _side_by_side(blocks, width)
    yield from wrap(f"by {trace.optimizer}", width, first=INDENT, rest=INDENT)


def _block(name: str, tensor: TensorSummary) -> Block:
    """Return a tensor as lines of one width: what it is, and below it a line for each row."""
    heading = f"{name} {format_shape(tensor.shape)}"
    if tensor.values is None:
        return _to_one_width([heading, f"norm {format_number(tensor.norm)}"])
    texts = [format_number(each + 0.0) for each in tensor.values]  # no −0
    columns = tensor.shape[-1] if tensor.shape else 1
    cell = max(map(display_width, texts), default=0)
    rows = [texts[start : start + columns] for start in range(0, len(texts), columns or 1)]
    return _to_one_width([heading, *(" ".join(pad(each, cell, right=True) for each in row) for row in rows)])


def _to_one_width(lines: Block) -> Block:
    widest = max(map(display_width, lines))
    return [pad(line, widest) for line in lines]


def _side_by_side(blocks: list[Block], width: int) -> Iterator[str]:
    """Yield blocks beside one another, as many as there is room for, and the others below those."""
    while blocks:
        count = 1
        while count < len(blocks) and _width(blocks[: count + 1]) <= width:
            count += 1
        beside, blocks = blocks[:count], blocks[count:]
        for number in range(max(map(len, beside))):
            cells = [each[number] if number < len(each) else " " * display_width(each[0]) for each in beside]
            yield from wrap((INDENT + BETWEEN.join(cells)).rstrip(), width, rest=INDENT * 2)


def _width(blocks: list[Block]) -> int:
    return display_width(INDENT + BETWEEN.join(each[0] for each in blocks))


def _bold(text: str) -> str:
    return click.style(text, bold=True)
