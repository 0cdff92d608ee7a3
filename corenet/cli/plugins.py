"""``corenet plugins``: a row for every distribution that offers components or commands."""

from __future__ import annotations

import re
from collections import Counter

import click

from corenet.cli import options
from corenet.cli.no_plugins import no_plugins
from corenet.registry.registry import registry
from corenet.registry.spec import PluginRow
from corenet.text_table import text_table

COLUMNS = ("NAME", "VERSION", "STATUS", "AUTHOR", "COMPONENTS", "REASON")
PINNED = re.compile(r"[\w.-]+==[\w.!+-]+", re.ASCII)  # metadata is not trusted: no option of pip's may hide in it


@click.command()
@click.option("--requirements", is_flag=True, help="Print lines for pip install -r; what cannot be used is a comment.")
@no_plugins
@options.json
def command(requirements: bool, as_json: bool) -> None:
    """List every distribution that offers components or commands, corenet itself first."""
    if requirements and as_json:
        raise click.UsageError("--requirements or --json, not both")
    rows = registry().plugins()
    count = Counter(row.distribution for row in registry().components() if row.kind != "plugin")
    if as_json:
        plugins = [{**row.to_dict(), "components": count[row.distribution]} for row in rows]
        options.print_json({"schema": 1, "plugins": plugins})
    elif requirements:
        click.echo("\n".join(map(_requirement, rows)))
    else:
        click.echo("\n".join(text_table(COLUMNS, [_cells(row, count[row.distribution]) for row in rows])))


def _cells(row: PluginRow, count: int) -> tuple[str, ...]:
    return row.distribution, row.version, row.status, row.author, str(count), row.reason


def _requirement(row: PluginRow) -> str:
    """Return a line for pip, or a comment where the plugin cannot be used or has no valid version."""
    pinned = f"{row.distribution}=={row.version}"
    if row.status in ("loaded", "declared") and PINNED.fullmatch(pinned):
        return pinned
    named = " ".join(filter(None, (row.distribution, row.version)))
    return f"# {named} is {row.status}: {row.reason or 'its version is not valid for pip'}"
