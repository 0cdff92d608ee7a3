"""The health of every plugin: it is imported in a process of its own, and its metadata is read."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

from corenet.errors import UnknownComponentError, did_you_mean
from corenet.registry.conflicts import by_distribution, resolve
from corenet.registry.discovery import Plugin, discover
from corenet.registry.distributions import BUILTIN, COMMAND_GROUP, HOOK_GROUP, installed
from corenet.registry.doctor.findings import (
    Finding,
    of_command,
    of_component,
    of_plugin,
    of_switch,
    of_target,
    of_torch,
)
from corenet.registry.doctor.metadata_faults import misinstalled
from corenet.registry.doctor.probe import Probe, probe
from corenet.registry.sanitize import canonical, plain
from corenet.registry.settings import ALLOW, DISABLE, Switches
from corenet.registry.spec import Component, PluginRow, Status

LIMIT = 60.0
MOST_AT_ONCE = 4  # each imports torch


@dataclass(frozen=True)
class Health:
    """How one distribution is: its times in seconds, None where it did not get so far, and its faults."""

    distribution: str
    version: str
    status: Status
    components: int
    listing_seconds: float | None
    import_seconds: float | None
    torch_at_listing: bool
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing of it is broken."""
        return self.status != "broken"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return asdict(self)


def examine(distribution: str | None = None, limit: float = LIMIT) -> list[Health]:
    """Return the health of every plugin, what is built in first, or of one ``distribution``.

    Each may take ``limit`` seconds. A disabled or incompatible one is not imported.

    Raises:
        UnknownComponentError: no plugin is of that distribution.

    >>> [(health.distribution, health.ok) for health in examine("corenet")]
    [('corenet', True)]
    """
    plugins = by_distribution(map(_row, discover()))
    faults = misinstalled()
    for name, finding in _contended(plugins):
        faults.setdefault(name, []).append(finding)
    unread = [_unread(name) for name in sorted(faults) if name not in {each.distribution for each in plugins}]
    names = [each.distribution for each in plugins + unread]
    faults.setdefault(BUILTIN, []).extend(_misnamed(Switches.from_environment(), names))
    wanted = _wanted(distribution, names)
    probes = [*_probes(plugins, wanted, limit), *map(Probe, unread)]
    rows = resolve(replace(row, status=_unresolved(row)) for each in probes for row in each.components)
    modules = {each.name: [point.module for point in each.group(HOOK_GROUP)] for each in installed()}
    probes.sort(key=lambda each: (each.plugin.distribution != BUILTIN, each.plugin.distribution))
    return [
        _health(each, rows, modules.get(name, []), faults.get(name, []))
        for each in probes
        if (name := each.plugin.distribution) in wanted
    ]


def _row(plugin: Plugin) -> PluginRow:
    return PluginRow(plugin.distribution, plugin.version, plugin.author, plugin.status, plugin.reason)


def _unread(name: str) -> PluginRow:
    """Return a row for a distribution that means to be a plugin and offers nothing where anybody looks."""
    return PluginRow(name, plain(version(name)), "", "declared")


def _contended(plugins: list[PluginRow]) -> Iterator[tuple[str, Finding]]:
    """Yield each command that several distributions offer, with each of them."""
    off = {each.distribution for each in plugins if each.status == "disabled"}
    owners: dict[str, list[str]] = defaultdict(list)
    for each in installed():
        for entry_point in each.group(COMMAND_GROUP) if each.name not in off else ():
            owners[plain(entry_point.name)].append(each.name)
    for command, names in owners.items():
        for name in names if len(names) > 1 else ():
            yield name, of_command(command, [other for other in names if other != name])


def _misnamed(switches: Switches, names: list[str]) -> Iterator[Finding]:
    """Yield each name in a switch that is of nothing installed."""
    for switch, named in ((DISABLE, switches.disabled), (ALLOW, switches.allowed or ())):
        yield from (of_switch(switch, name, names) for name in sorted(named) if name not in names)


def _wanted(distribution: str | None, names: list[str]) -> list[str]:
    if distribution is None:
        return names
    if canonical(distribution) not in names:
        meant = did_you_mean(distribution, names)
        raise UnknownComponentError(f"no plugin is called {distribution!r}{meant}", name=distribution)
    return [canonical(distribution)]


def _probes(plugins: list[PluginRow], wanted: list[str], limit: float) -> Iterator[Probe]:
    """Yield a probe of each plugin; those that nobody asked about are listed only, to see what clashes."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_AT_ONCE)) as pool:
        yield from pool.map(lambda each: probe(each, each.distribution in wanted, limit), plugins)


def _unresolved(row: Component) -> Status:
    """Return the status with which a row goes into the search for clashes, which knows no imported ones."""
    return "declared" if row.status == "loaded" else row.status


def _health(found: Probe, rows: list[Component], modules: list[str], faults: list[Finding]) -> Health:
    plugin = found.plugin
    own = [row for row in rows if row.distribution == plugin.distribution]
    findings = [*of_plugin(plugin, modules), *(each for row in own for each in of_component(row)), *faults]
    findings += [of_target(plugin.distribution, f"command {at}", at, why) for at, why in found.commands.items() if why]
    if found.torch_at_listing:
        findings.append(of_torch(modules))
    broken = any(each.problem == "broken" for each in findings)
    loaded = found.import_seconds is not None
    return Health(
        plugin.distribution,
        plugin.version,
        "broken" if broken else "loaded" if loaded and plugin.status == "declared" else plugin.status,
        len(own),
        found.listing_seconds,
        found.import_seconds,
        found.torch_at_listing,
        tuple(findings),
    )
