"""A plugin imported in a process of its own, which it may crash, end or hang without harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from corenet.errors import CorenetError
from corenet.registry.checkers import load_checker
from corenet.registry.collect import failure, load_command
from corenet.registry.discovery import discover
from corenet.registry.distributions import CHECKER_GROUP, COMMAND_GROUP, plugin_distributions
from corenet.registry.doctor.child_process import describe_exit, describe_limit, start_child
from corenet.registry.reason import Reason
from corenet.registry.registry import Registry
from corenet.registry.sanitize import plain
from corenet.registry.spec import Component, PluginRow
from corenet.registry.targets import CONTRACTS, imported_now

OTHERS: dict[str, Callable[[EntryPoint], object]] = {COMMAND_GROUP: load_command, CHECKER_GROUP: load_checker}


@dataclass(frozen=True)
class Probe:
    """The result for one plugin; a time is None where it was not reached.

    ``commands`` and ``checkers`` have the target of each, and why it is broken, or None.
    """

    plugin: PluginRow
    components: tuple[Component, ...] = ()
    commands: Mapping[str, Reason | None] = field(default_factory=dict)
    checkers: Mapping[str, Reason | None] = field(default_factory=dict)
    listing_seconds: float | None = None
    import_seconds: float | None = None
    torch_at_listing: bool = False


def probe(plugin: PluginRow, targets: bool, limit: float) -> Probe:
    """List what a plugin announces in a process of its own, and import it, commands and checkers too, if ``targets``.

    The process is given ``limit`` seconds. Whatever it does or prints is kept from this process: if a
    target ends it, the others are imported in another.
    """
    ended: dict[str, Reason] = {}
    while True:
        arguments = {"distribution": plugin.distribution, "targets": targets, "but": list(ended)}
        state, ending = _run(arguments, limit)
        at = state.get("importing", "")
        if state.get("done") or not at:
            return _probe_from(plugin, state, ending, ended)
        ended[at] = replace(ending, text=f"importing {at} {ending.text}")


def _run(arguments: dict[str, Any], limit: float) -> tuple[dict[str, Any], Reason]:
    """Return the last state that the child wrote, and how it ended."""
    with TemporaryDirectory(prefix="corenet-") as folder:
        report = Path(folder, "report.json")
        arguments |= {"report": str(report)}
        with start_child("corenet.registry.doctor.probe", arguments, subprocess.DEVNULL, subprocess.DEVNULL) as child:
            assert child.stdin is not None
            child.stdin.close()  # a plugin that asks for input has none
            try:
                ending = Reason("process_ended", describe_exit(child.wait(limit)))
            except subprocess.TimeoutExpired:
                child.kill()
                ending = Reason("timed_out", describe_limit(limit))
        return (json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}), ending


def _probe_from(plugin: PluginRow, state: dict[str, Any], ending: Reason, ended: Mapping[str, Reason]) -> Probe:
    """Return the probe in the state of the last child; each target in ``ended`` has ended one before it."""
    row = PluginRow(**_with_causes(state["plugin"])) if "plugin" in state else plugin
    if not state.get("done"):
        row = replace(row, status="broken", causes=(replace(ending, text=f"listing it {ending.text}"),))
    components = [Component(**_with_causes(each)) for each in state.get("components", ())]
    others = {
        group: {target: ended.get(target, cause and Reason(**cause)) for target, cause in found.items()}
        for group, found in state.get("others", {}).items()
    }
    return Probe(
        row,
        tuple(
            replace(each, status="broken", causes=(ended[each.target],)) if each.target in ended else each
            for each in components
        ),
        others.get(COMMAND_GROUP, {}),
        others.get(CHECKER_GROUP, {}),
        state.get("listing_seconds"),
        None if ended else state.get("import_seconds"),
        state.get("torch", False),
    )


def _with_causes(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"causes": tuple(Reason(**each) for each in values["causes"])}


# In the child.


def run_in_child(distribution: str, targets: bool, but: list[str], report: str) -> None:
    """List and import the plugin, and write to the file ``report`` before each step what is known so far."""
    for state in _states(distribution, targets, but):
        scratch = Path(f"{report}.new")  # it may be killed while it writes
        scratch.write_text(json.dumps(state), encoding="utf-8")
        scratch.replace(report)
    os._exit(0)  # whatever a plugin has left running


def _states(distribution: str, targets: bool, but: list[str]) -> Iterator[dict[str, Any]]:
    plugins = [each for each in discover() if each.distribution == distribution]
    start = perf_counter()
    registry = Registry(plugins)
    state: dict[str, Any] = {"listing_seconds": perf_counter() - start, "torch": "torch" in sys.modules}

    def announced() -> list[Component]:
        return [row for row in (*registry.components(), *registry.experiments()) if row.kind != "plugin"]

    def known() -> dict[str, Any]:
        return state | {"plugin": asdict(registry.plugins()[0]), "components": [asdict(row) for row in announced()]}

    yield known()
    usable = [row for row in announced() if row.usable and row.target not in but]
    others = [] if registry.plugins()[0].status in ("disabled", "incompatible") else _others(distribution)
    state["others"] = {group: {plain(each.value): None for each in others if each.group == group} for group in OTHERS}
    others = [each for each in others if plain(each.value) not in but]
    if targets and (usable or others):
        _import_contracts()
        start = perf_counter()
        for row in usable:
            yield known() | {"importing": row.target}
            with suppress(CorenetError):  # its row has the cause
                registry.get(row.kind, row.qualified_name)
        for each in others:
            target = plain(each.value)
            yield known() | {"importing": target}
            try:
                OTHERS[each.group](each)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's code may raise anything
                state["others"][each.group][target] = asdict(failure(error))
        state["import_seconds"] = perf_counter() - start
    yield known() | {"done": True}


def _others(distribution: str) -> list[EntryPoint]:
    """Return the entry points of what is no component: commands and checkers."""
    found = (each for each in plugin_distributions() if each.name == distribution)
    return [other for each in found for other in each.group(*OTHERS)]


def _import_contracts() -> None:
    """Import what every component needs, above all torch, so that none is charged with the time."""
    with suppress(Exception):  # torch cannot be imported; each component that needs it says so
        for contract in CONTRACTS.values():
            imported_now(contract)
