"""A plugin tried out in a process of its own, which it may crash, end or hang without harm."""

from __future__ import annotations

import json
import os
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
from corenet.registry.collect import load_command, reason_of
from corenet.registry.discovery import discover
from corenet.registry.distributions import COMMAND_GROUP, installed
from corenet.registry.doctor.child_process import ending_of, start
from corenet.registry.registry import Registry
from corenet.registry.sanitize import plain
from corenet.registry.spec import Component, PluginRow


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

    The process is given ``limit`` seconds. Whatever becomes of it, and whatever it prints, costs us nothing:
    if a target ends it, the others are imported in another.
    """
    endings: dict[str, str] = {}
    while True:
        told, ending = _run({"distribution": plugin.distribution, "targets": targets, "but": list(endings)}, limit)
        at = told.get("importing", "")
        if told.get("done") or not at:
            return _read(plugin, told, ending, endings)
        endings[at] = f"importing {at} {ending}"


def _run(orders: dict[str, Any], limit: float) -> tuple[dict[str, Any], str]:
    """Return what the child has told, and how it ended."""
    with TemporaryDirectory(prefix="corenet-") as folder:
        report = Path(folder, "report.json")
        orders |= {"report": str(report)}
        with start("corenet.registry.doctor.probe", orders, subprocess.DEVNULL, subprocess.DEVNULL) as child:
            try:
                ending = ending_of(child.wait(limit))
            except subprocess.TimeoutExpired:
                child.kill()
                ending = f"took longer than {limit:g} s"
        return (json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}), ending


def _read(plugin: PluginRow, told: dict[str, Any], ending: str, endings: Mapping[str, str]) -> Probe:
    """Return what the last child has told; ``endings`` are of the targets that ended one before it."""
    row = PluginRow(**told["plugin"]) if "plugin" in told else plugin
    if not told.get("done"):
        row = replace(row, status="broken", reason=f"listing it {ending}")
    components = [Component(**each) for each in told.get("components", ())]
    return Probe(
        row,
        tuple(
            replace(each, status="broken", reason=endings[each.target]) if each.target in endings else each
            for each in components
        ),
        {target: endings.get(target, why) for target, why in told.get("commands", {}).items()},
        told.get("listing_seconds"),
        None if endings else told.get("import_seconds"),
        told.get("torch", False),
    )


# In the child.


def follow(distribution: str, targets: bool, but: list[str], report: str) -> None:
    """Do as ordered, and write to the file ``report`` before each step what is known so far."""
    for state in _states(distribution, targets, but):
        scratch = Path(f"{report}.new")  # for it may be killed while it writes
        scratch.write_text(json.dumps(state), encoding="utf-8")
        scratch.replace(report)
    os._exit(0)  # whatever a plugin has left running


def _states(distribution: str, targets: bool, but: list[str]) -> Iterator[dict[str, Any]]:
    plugins = [each for each in discover() if each.distribution == distribution]
    start = perf_counter()
    registry = Registry(plugins)
    state: dict[str, Any] = {"listing_seconds": perf_counter() - start, "torch": "torch" in sys.modules}

    def known() -> dict[str, Any]:
        rows = [asdict(row) for row in registry.components() if row.kind != "plugin"]
        return state | {"plugin": asdict(registry.plugins()[0]), "components": rows}

    yield known()
    usable = [row for row in registry.components() if row.kind != "plugin" and row.usable and row.target not in but]
    commands = [] if registry.plugins()[0].status in ("disabled", "incompatible") else _commands(distribution)
    state["commands"] = {plain(command.value): "" for command in commands}
    commands = [command for command in commands if plain(command.value) not in but]
    if targets and (usable or commands):
        _import_contracts()
        start = perf_counter()
        for row in usable:
            yield known() | {"importing": row.target}
            with suppress(CorenetError):  # the row tells
                registry.get(row.kind, row.qualified_name)
        for command in commands:
            target = plain(command.value)
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
