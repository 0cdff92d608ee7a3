"""Names in conflict: those of built-ins are reserved, one that two plugins use is ambiguous; order decides nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from corenet.registry.distributions import BUILTIN
from corenet.registry.reason import Reason
from corenet.registry.spec import Component, PluginRow

_GRAVEST_FIRST = ("disabled", "incompatible", "broken", "loaded", "declared")


def resolve(rows: Iterable[Component]) -> list[Component]:
    """Return one row for each identity, marked where its name is also that of others."""
    distinct = _distinct(rows)
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in distinct:
        if row.usable:
            owners[row.kind, row.name].add(row.distribution)
    return [_marked(row, owners[row.kind, row.name] - {row.distribution}) for row in distinct]


def by_distribution(plugins: Iterable[PluginRow]) -> list[PluginRow]:
    """Return one row for each distribution: broken if one of its plugins is, with every cause."""
    merged: dict[str, PluginRow] = {}
    for row in plugins:
        known = merged.get(row.distribution, row)
        gravest = min(known, row, key=lambda each: _GRAVEST_FIRST.index(each.status))
        causes = dict.fromkeys((*known.causes, *row.causes))
        merged[row.distribution] = replace(gravest, causes=tuple(causes))
    return list(merged.values())


def _distinct(rows: Iterable[Component]) -> list[Component]:
    """Return the rows with each identity once; one distribution may not give it two targets."""
    found: dict[tuple[str, str], Component] = {}
    for row in rows:
        known = found.setdefault((row.kind, row.qualified_name), row)
        if known.target != row.target and known.usable:
            text = f"{row.distribution} announces it twice, as {known.target} and as {row.target}"
            found[row.kind, row.qualified_name] = replace(
                known, status="broken", causes=(Reason("announced_twice", text),)
            )
    return list(found.values())


def _marked(row: Component, others: set[str]) -> Component:
    if row.status != "declared" or row.distribution == BUILTIN or not others:
        return row
    fix = f"use {row.qualified_name}"
    if BUILTIN in others:
        return replace(row, status="shadowed", causes=(Reason("shadowed", "the built-in keeps the name", fix),))
    text = f"also in {', '.join(sorted(others))}"
    return replace(row, status="ambiguous", causes=(Reason("ambiguous", text, fix),))
