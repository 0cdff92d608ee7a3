"""A plugin tried out in a process of its own, which it may crash, end or hang without harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from corenet.errors import CorenetError
from corenet.registry.asking import load_command, reason_of
from corenet.registry.discovery import discover
from corenet.registry.installed import COMMAND_GROUP, installed
from corenet.registry.registry import Registry
from corenet.registry.spec import Component, PluginRow
from corenet.registry.text import plain

# The path is replaced before anything but Python's own is imported, so that the child sees what we see.
CHILD = """
import json, sys
orders = json.load(sys.stdin)
sys.path[:] = orders.pop("path")
from corenet.registry.probe import follow
follow(**orders)
"""


@dataclass(frozen=True)
class Probe:
    """What became of one plugin; a time is None where it was not reached.

    ``commands`` has the target of each of its commands, and why it is broken, or nothing.
    """

    plugin: PluginRow
    components: tuple[Component, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    listing_seconds: float | None = None
    import_seconds: float | None = None
    torch_at_listing: bool = False


def probe(plugin: PluginRow, targets: bool, limit: float) -> Probe:
    """List a plugin's components in a process of its own, and import them and its commands if ``targets``.

    The process is given ``limit`` seconds. Whatever becomes of it, and whatever it prints, costs us nothing.
    """
    with TemporaryDirectory(prefix="corenet-") as folder:
        report = Path(folder, "report.json")
        orders = {"path": sys.path, "distribution": plugin.distribution, "targets": targets, "report": str(report)}
        ending = _run(json.dumps(orders), limit)
        told = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return _read(plugin, told, ending)


def _run(orders: str, limit: float) -> str:
    """Return how the child ended, if it did not end well."""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter with our own words
            [sys.executable, "-P", "-c", CHILD],
            input=orders,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {limit:g} s"
    if done.returncode < 0:
        return f"crashed Python: {signal.strsignal(-done.returncode)}"
    return f"ended Python with exit code {done.returncode}"


def _read(plugin: PluginRow, told: dict[str, Any], ending: str) -> Probe:
    """Return what the child has told, and where it ended before it was done, why."""
    components, commands = tuple(Component(**row) for row in told.get("components", ())), told.get("commands", {})
    row = PluginRow(**told["plugin"]) if "plugin" in told else plugin
    if told.get("done"):
        return Probe(row, components, commands, told["listing_seconds"], told.get("import_seconds"), told["torch"])
    at = told.get("importing", "")
    reason = f"{f'importing {at}' if at else 'listing it'} {ending}"
    if at:
        components = tuple(
            replace(each, status="broken", reason=reason) if each.target == at else each for each in components
        )
        commands = {target: reason if target == at else why for target, why in commands.items()}
    else:
        row = replace(row, status="broken", reason=reason)
    return Probe(row, components, commands, told.get("listing_seconds"), None, told.get("torch", False))


# In the child.


def follow(distribution: str, targets: bool, report: str) -> None:
    """Do as ordered, and write to the file ``report`` before each step what is known so far."""
    for state in _states(distribution, targets):
        Path(report).write_text(json.dumps(state), encoding="utf-8")
    os._exit(0)  # whatever a plugin has left running


def _states(distribution: str, targets: bool) -> Iterator[dict[str, Any]]:
    plugins = [each for each in discover() if each.distribution == distribution]
    start = perf_counter()
    registry = Registry(plugins)
    state: dict[str, Any] = {"listing_seconds": perf_counter() - start, "torch": "torch" in sys.modules, "commands": {}}

    def known() -> dict[str, Any]:
        rows = [asdict(row) for row in registry.components() if row.target]
        return state | {"plugin": asdict(registry.plugins()[0]), "components": rows}

    yield known()
    usable = [row for row in registry.components() if row.target and row.usable]
    commands = [] if registry.plugins()[0].status in ("disabled", "incompatible") else _commands(distribution)
    if targets and (usable or commands):
        _import_contracts()
        start = perf_counter()
        for row in usable:
            yield known() | {"importing": row.target}
            with suppress(CorenetError):  # the row tells
                registry.get(row.kind, row.qualified_name)
        for command in commands:
            target = plain(command.value)
            state["commands"][target] = ""
            yield known() | {"importing": target}
            try:
                load_command(command)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything
                state["commands"][target] = reason_of(error)
        state["import_seconds"] = perf_counter() - start
    yield known() | {"done": True}


def _commands(distribution: str) -> list[EntryPoint]:
    return [command for each in installed() if each.name == distribution for command in each.group(COMMAND_GROUP)]


def _import_contracts() -> None:
    """Import what every component needs, torch before all, so that its time is put down to none."""
    with suppress(ImportError):  # each component says so then
        for kind in ("module", "loss", "optimizer"):
            import_module(f"corenet.contracts.{kind}")
