"""``corenet new-plugin``: a complete package with one component, to change into one's own."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from corenet.registry.spec import KINDS, Kind
from corenet.scaffold.names import names_for
from corenet.scaffold.render import render, write_folder


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="module", show_default=True, help="What to write.")
@click.option("--component", metavar="NAME", help="The component's name; by default NAME without corenet-.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Output folder; by default NAME.")
def command(name: str, kind: Kind, component: str | None, out: Path | None) -> None:
    """Write a complete plugin NAME, such as corenet-swish, to change into your own.

    It has one component with its formula, tests, and all that a package needs. As written,
    it installs, is listed, passes its tests and corenet check.
    """
    names = names_for(name, kind, component)
    folder = Path(name) if out is None else out
    write_folder(folder, render(names))
    click.echo(f"wrote {folder}: the {kind} {names['component']}, in {names['package']}/__init__.py\nnext:")
    for step in (f"pip install -e {shlex.quote(str(folder))}", "corenet list-components", f"corenet check {name}"):
        click.echo(f"  {step}")
