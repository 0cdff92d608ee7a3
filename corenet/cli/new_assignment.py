"""``corenet new-assignment``: layers for a course to write by hand, with what grades them."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option("--layers", metavar="LAYERS", required=True, help="The layers, by commas, such as linear,layernorm.")
@click.option(
    "--style",
    type=click.Choice(("module", "numpy")),
    default="module",
    show_default=True,
    help="What to write: classes of corenet, or functions on NumPy arrays.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Output folder; by default NAME.")
def command(name: str, layers: str, style: str, out: Path | None) -> None:
    """Write an assignment NAME: a stub for students, a solution, and the points of each check.

    The layers are linear, relu, sigmoid, tanh, softmax, mse, cross_entropy, layernorm, batchnorm, dropout, embedding
    and attention.
    """
    from typing import cast

    from corenet.grading.textbook import Style
    from corenet.scaffold.assignment import assignment_files
    from corenet.scaffold.render import write_folder

    names = [each.strip() for each in layers.split(",") if each.strip()]
    folder = Path(name) if out is None else out
    write_folder(folder, assignment_files(folder.name, names, cast("Style", style)))
    place = shlex.quote(str(folder))
    click.echo(f"wrote {folder}: {', '.join(names)}, in the {style} style\nnext:")
    click.echo(f"  hand out {folder / 'handout'}\n  corenet grade SUBMISSIONS --assignment {place}")
