"""Asking one plugin for its components, in a guard of its own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pluggy

from corenet.registry import hookspecs
from corenet.registry.discovery import Declared, Plugin
from corenet.registry.sanitize import NAME, plain
from corenet.registry.spec import Component, ComponentSpec, Kind, PluginRow

if TYPE_CHECKING:
    import click

HOOKS: dict[Kind, str] = {"module": "corenet_modules", "loss": "corenet_losses", "optimizer": "corenet_optimizers"}
TARGET = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")


def ask(plugin: Plugin) -> tuple[PluginRow, list[Component]]:
    """Return how a plugin stands, and a row for each component that it announces.

    Whatever it raises becomes the reason in its own row; a hook that fails costs the plugin's
    others nothing. What it prints goes to stderr, for stdout belongs to what was asked.
    """
    about = (plugin.distribution, plugin.version, plugin.author)
    rows: list[Component] = []
    faults: list[str] = []
    with _guarded(faults):
        implementation = plugin.load()
        manager = _manager_of(implementation)
        for kind, hook in HOOKS.items():
            with _guarded(faults, f"{hook}(): "):
                rows += [_row(plugin, kind, spec) for specs in getattr(manager.hook, hook)() for spec in specs]
    if faults:
        return PluginRow(*about, "broken", "; ".join(faults)), rows
    if not isinstance(implementation, Declared):
        return PluginRow(*about, "loaded"), rows
    if plugin.status != "declared":
        rows = [replace(row, status=plugin.status, reason=plugin.reason) for row in rows]
    return PluginRow(*about, plugin.status, plugin.reason), rows


def load_command(entry_point: EntryPoint) -> click.Command:
    """Return the command of an entry point, imported now.

    Raises:
        TypeError: it is something else; an import may raise anything.
    """
    import click  # here, for who asks for components needs it not

    found = entry_point.load()
    if not isinstance(found, click.Command):
        raise TypeError(f"{plain(entry_point.value)} is no click command")
    return found


def reason_of(error: BaseException) -> str:
    """Return an exception as one plain line.

    >>> reason_of(ImportError("No module named 'x'"))
    "ImportError: No module named 'x'"
    """
    try:
        told = str(error)
    except Exception:  # noqa: BLE001 - a stranger wrote this method too
        told = "its message cannot be read"
    return plain(f"{type(error).__name__}: {told}")


@contextmanager
def _guarded(faults: list[str], where: str = "") -> Iterator[None]:
    """Add to ``faults`` whatever is raised, ``SystemExit`` included; ``CORENET_DEBUG=1`` shows where it was."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except KeyboardInterrupt:  # the user's own, as far as anybody can tell
        raise
    except BaseException as error:  # noqa: BLE001 - a stranger may raise anything, such as pytest's Skipped
        if os.environ.get("CORENET_DEBUG") == "1":
            import traceback

            traceback.print_exc()
        faults.append(f"{where}{reason_of(error)}")


def _manager_of(implementation: object) -> pluggy.PluginManager:
    # A manager of its own: one call over all plugins would lose everybody's answer when one of them raises.
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(implementation)
    manager.check_pending()
    return manager


def _row(plugin: Plugin, kind: Kind, spec: ComponentSpec) -> Component:
    if not isinstance(spec, ComponentSpec):
        raise TypeError(f"it must yield ComponentSpec, not {spec!r}")
    wrong = _what_is_wrong(spec)
    return Component(
        spec.name,
        kind,
        plugin.distribution,
        plugin.version,
        "broken" if wrong else "declared",
        spec.summary,
        wrong,
        spec.target,
        spec.aliases,
        spec.tags,
    )


def _what_is_wrong(spec: ComponentSpec) -> str:
    if not NAME.fullmatch(spec.name):
        return f"a name is made of letters, digits and underscores, not {spec.name!r}"
    if not TARGET.fullmatch(spec.target):
        return f"a target is 'package.module:Class', not {spec.target!r}"
    return ""
