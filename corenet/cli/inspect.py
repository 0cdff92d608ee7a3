"""``corenet inspect``: what is in a model file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.cli.no_plugins import no_plugins
from corenet.registry.sanitize import plain
from corenet.text_table import text_table

if TYPE_CHECKING:
    from corenet.checkpoint.header import Entry
    from corenet.report.model_file import ModelFile, Needed

LABEL = 11


@click.command()
@click.argument("model", metavar="MODEL")
@no_plugins
@options.json
def command(model: str, as_json: bool) -> None:
    """Show what is in the model file MODEL: architecture, versions, table, position, tensors.

    Nothing of it is built, so no plugin need be installed. A damaged file is refused.
    """
    from corenet.report.model_file import model_file

    found = model_file(model)
    if as_json:
        options.print_json({"schema": 1, **found.to_dict()})
    else:
        for line in _lines(found):
            echo(line, indent=LABEL)


def _lines(found: ModelFile) -> Iterator[str]:
    title = click.style(plain(found.path.name), bold=True)
    yield f"{title} · format {found.document['format']} · {found.size:,} bytes"
    yield ""
    yield from (f"{label:{LABEL}}{text}" for label, text in found.facts.items())
    yield from ("", *text_table(("PLACE", "MODULE", "ARGUMENTS"), found.modules))
    yield from ("", *text_table(("COMPONENT", "SAVED BY", "HERE"), map(_cells, found.needed)))
    yield from ("", *text_table(("TENSOR", "SHAPE", "DTYPE"), sorted(map(_tensor, found.tensors.items()))))


def _tensor(named: tuple[str, Entry]) -> tuple[str, str, str]:
    name, entry = named
    return name, str(entry.shape), str(entry.dtype).removeprefix("torch.")


def _cells(needed: Needed) -> tuple[str, str, str]:
    distribution = needed.name.partition(":")[0]
    missing = f"not installed: pip install '{distribution}=={needed.version}'"
    return needed.name, needed.version, needed.installed or missing
