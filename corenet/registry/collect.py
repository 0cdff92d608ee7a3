"""The components of one plugin, collected in a guard of its own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from importlib.metadata import EntryPoint
from traceback import walk_tb
from typing import TYPE_CHECKING

import pluggy

from corenet.registry import hookspecs
from corenet.registry.discovery import Declared, Plugin
from corenet.registry.reason import Code, Reason
from corenet.registry.sanitize import NAME, plain
from corenet.registry.spec import EXPERIMENT, Component, ComponentSpec, ExperimentSpec, Kind, PluginRow

if TYPE_CHECKING:
    import click

HOOKS: dict[Kind, str] = {
    "module": "corenet_modules",
    "loss": "corenet_losses",
    "optimizer": "corenet_optimizers",
    "schedule": "corenet_schedules",
    "metric": "corenet_metrics",
    "callback": "corenet_callbacks",
    "initializer": "corenet_initializers",
    EXPERIMENT: "corenet_experiments",
}
TARGET = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")
FILE = re.compile(r"[^\W\d][\w.]*:[\w.-]+\.toml")


def collect(plugin: Plugin) -> tuple[PluginRow, list[Component]]:
    """Return the row of a plugin, and a row for each component and each experiment that it announces.

    Whatever it raises becomes a cause in its own row; where one hook fails, the plugin's others
    are called all the same. What it prints goes to stderr, since stdout is for the command's result.
    """
    about = (plugin.distribution, plugin.version, plugin.author)
    rows: list[Component] = []
    faults: list[Reason] = []
    with _guarded(faults):
        implementation = plugin.load()
        manager = _manager_of(implementation)
        for kind, hook in HOOKS.items():
            with _guarded(faults, f"{hook}(): "):
                rows += [_row(plugin, kind, spec) for specs in getattr(manager.hook, hook)() for spec in specs]
    if faults:
        return PluginRow(*about, "broken", tuple(faults)), rows
    if not isinstance(implementation, Declared):
        return PluginRow(*about, "loaded"), rows
    if plugin.status != "declared":
        rows = [replace(row, status=plugin.status, causes=plugin.causes) for row in rows]
    return PluginRow(*about, plugin.status, plugin.causes), rows


def load_command(entry_point: EntryPoint) -> click.Command:
    """Return the command of an entry point, imported now.

    Raises:
        UnusableTargetError: it is something else; its import may raise anything.
    """
    import click  # not at the top: collecting components does without it

    found = entry_point.load()
    if not isinstance(found, click.Command):
        raise UnusableTargetError("not_a_command", f"{plain(entry_point.value)} is no click command")
    return found


def reason_of(error: BaseException) -> str:
    """Return an exception as one plain line.

    >>> reason_of(ImportError("No module named 'x'"))
    "ImportError: No module named 'x'"
    """
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - __str__ may be a plugin's code too
        message = "its message cannot be read"
    return plain(f"{type(error).__name__}: {message}")


def failure(error: BaseException, where: str = "") -> Reason:
    """Return what a plugin's code raised as a reason; ``where`` is put before it.

    >>> failure(ModuleNotFoundError("No module named 'x'", name="x")).code
    'missing_module'
    """
    if isinstance(error, UnusableTargetError):
        return Reason(error.code, f"{where}TypeError: {error}", subject=error.subject)
    if _torch_failed(error):
        return Reason("torch_unavailable", f"{where}torch cannot be imported: {reason_of(error)}", subject="torch")
    if isinstance(error, ModuleNotFoundError):
        return Reason("missing_module", f"{where}{reason_of(error)}", subject=error.name or "")
    code: Code = "missing_attribute" if isinstance(error, AttributeError) else "raised"
    return Reason(code, f"{where}{reason_of(error)}")


class UnusableTargetError(TypeError):
    """What was imported is not what its entry point promises; ``subject`` is what it should derive from."""

    def __init__(self, code: Code, message: str, subject: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.subject = subject


def _torch_failed(error: BaseException) -> bool:
    """Return whether torch is missing, or the error was raised while torch itself was being imported."""
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        return True
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "torch" for frame in frames)


@contextmanager
def _guarded(faults: list[Reason], where: str = "") -> Iterator[None]:
    """Append to ``faults`` whatever is raised, ``SystemExit`` included; ``CORENET_DEBUG=1`` prints the traceback."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except KeyboardInterrupt:  # the user's Ctrl-C
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, such as pytest's Skipped
        if os.environ.get("CORENET_DEBUG") == "1":
            import traceback

            traceback.print_exc()
        faults.append(failure(error, where))


def _manager_of(implementation: object) -> pluggy.PluginManager:
    # A manager of its own: one call over all plugins would lose every result when one of them raises.
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(implementation)
    manager.check_pending()
    return manager


def _row(plugin: Plugin, kind: Kind, spec: ComponentSpec | ExperimentSpec) -> Component:
    wanted = ExperimentSpec if kind == EXPERIMENT else ComponentSpec
    if not isinstance(spec, wanted):
        raise TypeError(f"it must yield {wanted.__name__}, not {spec!r}")
    fault = _fault_of(spec)
    row = Component(
        spec.name,
        kind,
        plugin.distribution,
        plugin.version,
        "broken" if fault else "declared",
        causes=(fault,) if fault else (),
        target=spec.path if isinstance(spec, ExperimentSpec) else spec.target,
    )
    if isinstance(spec, ExperimentSpec):
        return row
    return replace(row, summary=spec.summary, aliases=spec.aliases, tags=spec.tags)


def _fault_of(spec: ComponentSpec | ExperimentSpec) -> Reason | None:
    if not NAME.fullmatch(spec.name):
        return Reason("invalid_name", f"a name is made of letters, digits and underscores, not {spec.name!r}")
    if isinstance(spec, ExperimentSpec) and not FILE.fullmatch(spec.path):
        return Reason("invalid_target", f"a path is 'package.folder:file.toml', not {spec.path!r}")
    if isinstance(spec, ComponentSpec) and not TARGET.fullmatch(spec.target):
        return Reason("invalid_target", f"a target is 'package.module:Class', not {spec.target!r}")
    return None
