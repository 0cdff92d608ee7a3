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
from corenet.registry.distributions import BUILTIN, COMMAND_GROUP, HOOK_GROUP, plugin_distributions
from corenet.registry.doctor.findings import (
    Finding,
    command_finding,
    component_findings,
    plugin_findings,
    setting_finding,
    target_finding,
    torch_finding,
)
from corenet.registry.doctor.metadata_faults import metadata_faults
from corenet.registry.doctor.probe import Probe, probe
from corenet.registry.sanitize import canonical, plain
from corenet.registry.settings import ALLOW, DISABLE, Settings
from corenet.registry.spec import EXPERIMENT, Component, PluginRow, Status

LIMIT = 60.0
MOST_AT_ONCE = 4  # each imports torch


@dataclass(frozen=True)
class Health:
    """The health of one distribution: its times in seconds, None where it did not get so far, and what is wrong."""

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
    faults = metadata_faults()
    for name, finding in _shared_commands(plugins):
        faults.setdefault(name, []).append(finding)
    offering = {each.distribution for each in plugins}
    misplaced = [_misplaced(name) for name in sorted(faults) if name not in offering]
    names = [each.distribution for each in plugins + misplaced]
    faults.setdefault(BUILTIN, []).extend(_unknown_names(Settings.from_environment(), names))
    wanted = _wanted(distribution, names)
    probes = [*_probes(plugins, wanted, limit), *map(Probe, misplaced)]
    rows = resolve(replace(row, status=_unresolved(row)) for each in probes for row in each.components)
    modules = {each.name: [point.module for point in each.group(HOOK_GROUP)] for each in plugin_distributions()}
    probes.sort(key=lambda each: (each.plugin.distribution != BUILTIN, each.plugin.distribution))
    return [
        _health(each, rows, modules.get(name, []), faults.get(name, []))
        for each in probes
        if (name := each.plugin.distribution) in wanted
    ]


def _row(plugin: Plugin) -> PluginRow:
    return PluginRow(plugin.distribution, plugin.version, plugin.author, plugin.status, plugin.causes)


def _misplaced(name: str) -> PluginRow:
    """Return a row for a distribution whose entry points are all in groups that corenet does not read."""
    return PluginRow(name, plain(version(name)), "", "declared")


def _shared_commands(plugins: list[PluginRow]) -> Iterator[tuple[str, Finding]]:
    """Yield each command that several distributions offer, with each of them."""
    off = {each.distribution for each in plugins if each.status == "disabled"}
    owners: dict[str, list[str]] = defaultdict(list)
    for each in plugin_distributions():
        for entry_point in each.group(COMMAND_GROUP) if each.name not in off else ():
            owners[plain(entry_point.name)].append(each.name)
    for command, names in owners.items():
        for name in names if len(names) > 1 else ():
            yield name, command_finding(command, [other for other in names if other != name])


def _unknown_names(settings: Settings, names: list[str]) -> Iterator[Finding]:
    """Yield a finding for each name in a setting that is not installed."""
    for setting, named in ((DISABLE, settings.disabled), (ALLOW, settings.allowed or ())):
        yield from (setting_finding(setting, name, names) for name in sorted(named) if name not in names)


def _wanted(distribution: str | None, names: list[str]) -> list[str]:
    if distribution is None:
        return names
    if canonical(distribution) not in names:
        suggestion = did_you_mean(distribution, names)
        raise UnknownComponentError(f"no plugin is called {distribution!r}{suggestion}", name=distribution)
    return [canonical(distribution)]


def _probes(plugins: list[PluginRow], wanted: list[str], limit: float) -> Iterator[Probe]:
    """Yield a probe of each plugin; those that are not ``wanted`` are listed only, to find conflicts of names."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_AT_ONCE)) as pool:
        yield from pool.map(lambda each: probe(each, each.distribution in wanted, limit), plugins)


def _unresolved(row: Component) -> Status:
    """Return the status with which a row enters the search for conflicts, which knows no loaded ones."""
    return "declared" if row.status == "loaded" else row.status


def _health(found: Probe, rows: list[Component], modules: list[str], faults: list[Finding]) -> Health:
    plugin = found.plugin
    own = [row for row in rows if row.distribution == plugin.distribution]
    findings = [*plugin_findings(plugin, modules), *(each for row in own for each in component_findings(row)), *faults]
    findings += [
        target_finding(plugin.distribution, f"{what} {target}", target, cause)
        for what, others in (("command", found.commands), ("checker", found.checkers))
        for target, cause in others.items()
        if cause is not None
    ]
    if found.torch_at_listing:
        findings.append(torch_finding(modules))
    broken = any(each.problem == "broken" for each in findings)
    loaded = found.import_seconds is not None
    return Health(
        plugin.distribution,
        plugin.version,
        "broken" if broken else "loaded" if loaded and plugin.status == "declared" else plugin.status,
        sum(row.kind != EXPERIMENT for row in own),
        found.listing_seconds,
        found.import_seconds,
        found.torch_at_listing,
        tuple(dict.fromkeys(findings)),
    )
