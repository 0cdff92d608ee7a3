"""``corenet list-components``: a row for every component, importing none."""

from __future__ import annotations

from typing import Any

import click

from corenet.cli import options
from corenet.cli.no_plugins import no_plugins
from corenet.errors import UnknownComponentError, did_you_mean
from corenet.registry.registry import Registry, registry
from corenet.registry.sanitize import canonical
from corenet.registry.spec import KINDS, STATUSES, Component, Kind, PluginRow
from corenet.text_table import text_table

COLUMNS = ("NAME", "KIND", "PLUGIN", "VERSION", "STATUS", "SUMMARY")
FIELDS = ("name", "kind", "distribution", "version", "status", "summary", "reason", "tags")


@click.command()
@click.option("--kind", type=click.Choice(KINDS), help="Only components of this kind.")
@click.option("--plugin", metavar="DIST", help="Only components of this distribution; corenet has the built-in ones.")
@click.option("--status", type=click.Choice(STATUSES), help="Only components of this status.")
@click.option("--tag", metavar="T", help="Only components with this tag.")
@click.option("--static", is_flag=True, help="Do not even import hook modules; each is one row.")
@no_plugins
@options.json
def command(kind: Kind | None, static: bool, as_json: bool, **wanted: str | None) -> None:
    """List every installed component: built-in ones first, then those of plugins."""
    found = registry(static)
    _refuse_unknown(found, wanted["plugin"], wanted["tag"])
    rows = [row for row in found.components(kind) if _is_wanted(row, **wanted)]
    if as_json:
        options.print_json(_as_dict(rows, found.plugins()))
    else:
        click.echo("\n".join(text_table(COLUMNS, map(_cells, rows))))


def _refuse_unknown(found: Registry, plugin: str | None, tag: str | None) -> None:
    """Raise for a distribution or a tag that nothing has: an empty table would read as an answer."""
    plugins = {row.distribution for row in found.plugins()}
    tags = {each for row in found.components() for each in row.tags}
    if plugin is not None and canonical(plugin) not in plugins:
        raise UnknownComponentError(f"no plugin is called {plugin!r}{did_you_mean(plugin, plugins)}", name=plugin)
    if tag is not None and tag not in tags:
        raise UnknownComponentError(f"no component has the tag {tag!r}{did_you_mean(tag, tags)}", name=tag)


def _is_wanted(row: Component, plugin: str | None, status: str | None, tag: str | None) -> bool:
    return (
        (plugin is None or row.distribution == canonical(plugin))
        and (status is None or row.status == status)
        and (tag is None or tag in row.tags)
    )


def _cells(row: Component) -> tuple[str, ...]:
    return row.name, row.kind, row.distribution, row.version, row.status, row.reason or row.summary


def _as_dict(rows: list[Component], plugins: list[PluginRow]) -> dict[str, Any]:
    """Return the components and their plugins, including a plugin without components."""
    shown = {row.distribution for row in rows}
    return {
        "schema": 1,
        "components": [{name: getattr(row, name) for name in FIELDS} for row in rows if row.kind != "plugin"],
        "plugins": [plugin.to_dict() for plugin in plugins if plugin.distribution in shown],
    }
