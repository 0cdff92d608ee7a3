"""``corenet summary``: the layers of a model, and what a step takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.cli.no_plugins import no_plugins
from corenet.text_table import text_table

if TYPE_CHECKING:
    from torch import Tensor

    from corenet.contracts.module import Module
    from corenet.report.model_summary import LayerSummary, ModelSummary

COLUMNS = ("LAYER", "MODULE", "OUTPUT", "PARAMETERS", "MEMORY", "FLOPS")
LABEL = 12
POINTS = 32
UNITS = ("B", "kB", "MB", "GB", "TB")


@click.command()
@click.argument("name", metavar="FILE|MODEL")
@click.option("--input", "shape", metavar="SHAPE", help="Shape of a point, as 3,32,32, if no file says it.")
@click.option("--batch-size", type=click.IntRange(1), metavar="N", help=f"Points in the step.  [default: {POINTS}]")
@no_plugins
@options.json
def command(name: str, shape: str | None, batch_size: int | None, as_json: bool) -> None:
    """Show the layers of a model: shapes, parameters, memory and FLOPs of a training step.

    MODEL is a model file, FILE an experiment file (.toml) or the id of an experiment. A layer that cannot take what
    the one before it gives ends the table, with the reason, and exit code 1.
    """
    from corenet.report.model_summary import summarize

    model, inputs = _step(name, shape, batch_size or POINTS)
    found = summarize(model, inputs)
    if as_json:
        options.print_json({"schema": 1, **found.to_dict()})
    else:
        for line in _lines(found):
            echo(line, indent=LABEL)
    if found.failed:
        click.get_current_context().exit(1)


def _step(name: str, shape: str | None, points: int) -> tuple[Module, Tensor]:
    """Return the model that is meant, and a batch of zeros for it."""
    import torch

    from corenet.checkpoint.loading import load
    from corenet.experiments import experiments
    from corenet.experiments.building import network_of
    from corenet.experiments.experiment import experiment
    from corenet.experiments.parts import rounds_of

    if name.endswith(".toml") or name in [each.id for each in experiments()]:
        chosen = experiment(name)
        parts = next(rounds_of(chosen.recipe, chosen.folder))
        model = network_of(chosen.recipe, parts, chosen.folder)
        of_point: tuple[int, ...] | None = tuple(parts.train.inputs.shape[1:])
    else:
        found = load(name)
        model = found.model
        of_point = (found.table.in_features,) if found.table is not None else _width(model)
    given = of_point if shape is None else _parsed(shape)
    if given is None:
        raise click.UsageError(f"{name} does not say what its inputs are; give the shape of one: --input 3,32,32")
    dtypes = [each.dtype for each in model.parameters()]
    return model, torch.zeros(points, *given, dtype=dtypes[0] if dtypes else None)


def _width(model: Module) -> tuple[int, ...] | None:
    """Return the width of the first layer, if it has one."""
    from corenet.report.trace.observe import layers

    first = next((layer for _, layer in layers(model)), None)
    width = getattr(first, "in_features", None)
    return (width,) if isinstance(width, int) else None


def _parsed(shape: str) -> tuple[int, ...]:
    try:
        found = tuple(int(each) for each in shape.split(",") if each.strip())
    except ValueError:
        found = (0,)
    if any(each < 1 for each in found):
        raise click.UsageError(f"--input {shape}: a shape is sizes ≥ 1 with commas between, such as 3,32,32")
    return found


def _lines(found: ModelSummary) -> Iterator[str]:
    start = ("", "input", _shapes(found.inputs), "", "", "")
    yield from text_table(COLUMNS, [start, *map(_cells, found.layers)], right={3, 4, 5}, wrapped=1)
    yield ""
    yield f"parameters  {found.parameters:,}"
    parts = ", ".join(f"{_size(size)} of {name}" for name, size in found.bytes.items())
    yield f"memory      {_size(sum(found.bytes.values()))} a step: {parts}"
    yield f"FLOPs       {found.flops:,} a step, in matrix products and convolutions"
    if found.failed:
        yield click.style(f"stops at    {found.failed}", fg="red")


def _cells(layer: LayerSummary) -> tuple[str, ...]:
    of = f"{layer.parameters:,}" + ("" if layer.trained == layer.parameters else " frozen")
    return layer.path, layer.label, _shapes(layer.outputs), of, _size(layer.bytes), f"{layer.flops:,}"


def _shapes(shapes: list[list[int]]) -> str:
    return " and ".join(f"({', '.join(map(str, each))})" for each in shapes)


def _size(size: float) -> str:
    """Return bytes in words.

    >>> _size(999), _size(8_000_000)
    ('999 B', '8.0 MB')
    """
    power = 0
    while size >= 1000 and power < len(UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.{1 if power else 0}f} {UNITS[power]}"
