"""``corenet list-components``: a row for every component, importing none."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable

import click

from corenet.cli import options
from corenet.registry.registry import registry
from corenet.registry.spec import KINDS, Component, Kind

COLUMNS = ("NAME", "KIND", "PLUGIN", "VERSION", "STATUS", "SUMMARY")


@click.command()
@click.option("--kind", type=click.Choice(KINDS), help="Only modules, losses or optimizers.")
@options.json
def command(kind: Kind | None, as_json: bool) -> None:
    """List every installed component: built-in ones first, then those of plugins."""
    rows = registry().components(kind)
    if as_json:
        options.print_json(_as_dict(rows))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
        for line in _table(rows, width):
            click.echo(line)


def _table(rows: Iterable[Component], width: int) -> list[str]:
    cells = [COLUMNS] + [
        (row.name, row.kind, row.distribution, row.version, row.status, row.reason or row.summary) for row in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS) - 1)]
    lines = ("  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in cells)
    return [line if len(line) <= width else line[: width - 1] + "…" for line in lines]


def _as_dict(rows: list[Component]) -> dict[str, object]:
    names = ("name", "kind", "distribution", "version", "status", "summary", "reason", "tags")
    return {
        "schema": 1,
        "components": [{name: getattr(row, name) for name in names} for row in rows if row.target],
        "plugins": [vars(plugin) for plugin in registry().plugins()],
    }
