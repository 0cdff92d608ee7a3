"""What is wrong with a plugin, each thing with its fix in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from corenet.errors import did_you_mean
from corenet.registry.sanitize import plain
from corenet.registry.spec import Component, PluginRow

MISSING = re.compile(r"ModuleNotFoundError: No module named '([^']+)'")
FIXES = [
    (MISSING, "its metadata is stale: pip install --force-reinstall --no-deps {distribution}"),
    (
        re.compile(r"AttributeError: .* has no attribute"),
        "its entry point is misspelt or stale: pip install --force-reinstall --no-deps {distribution}",
    ),
    (re.compile(r"TypeError: \S+ is not a (\w+)$"), "derive it from corenet.{0}, or announce it as what it is"),
    (
        re.compile(r"(crashed|ended) Python"),
        "python -X faulthandler {run} shows where; CORENET_DISABLE_PLUGINS={distribution} till then",
    ),
    (
        re.compile(r"took longer than"),
        "python -X importtime {run} shows where; a larger --timeout waits longer",
    ),
    (re.compile(r"is no click command$"), "make it a click.Command, or take it out of the group corenet.commands"),
    (re.compile(r"announces it twice"), "keep one of the two, in its pyproject.toml or its hooks"),
    (re.compile(r"^a (name|target) is "), "correct the {0} in its pyproject.toml or its hooks, and reinstall"),
]
LISTING = "-m corenet list-components"  # an import alone calls no hook
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Finding:
    """A fault: what sort of ``problem`` it is, what was found, and how to mend it."""

    problem: str
    what: str
    fix: str


def of_plugin(plugin: PluginRow, modules: Sequence[str]) -> Iterator[Finding]:
    """Yield what keeps a whole plugin from being used; ``modules`` are those that its entry points name."""
    if plugin.status == "broken":
        what = plugin.reason.removesuffix("; reinstall it")
        yield Finding("broken", what, _mended(plugin.distribution, what, modules, LISTING))
    elif plugin.status in ("disabled", "incompatible"):
        yield _as_told(plugin.status, plugin.reason)


def of_component(row: Component) -> Iterator[Finding]:
    """Yield what is wrong with one component of a plugin that is all right itself."""
    named = f"{row.kind} {row.name}"
    if row.status == "broken":
        yield of_target(row.distribution, named, row.target, row.reason)
    elif row.status in ("shadowed", "ambiguous"):
        yield _as_told(row.status, f"{named}: {row.reason}")
    if row.status != "broken" and not SNAKE.fullmatch(row.name):
        yield Finding("name", f"{named}: a name is lower case with underscores", _renamed(row.name))


def of_target(distribution: str, named: str, target: str, reason: str) -> Finding:
    """Return what to say of a component or a command whose ``target`` is broken."""
    modules = [target.partition(":")[0]]
    fix = _mended(distribution, reason, modules, f"-c 'import {modules[0]}'")
    return Finding("broken", f"{named}: {reason}", fix)


def of_command(name: str, others: Sequence[str]) -> Finding:
    """Return what to say of a command that ``others`` offer too, so that none can be called."""
    fix = f"CORENET_DISABLE_PLUGINS={','.join(others)} leaves this one"
    return Finding("ambiguous", f"command {name}: also in {', '.join(others)}", fix)


def of_switch(switch: str, name: str, known: Iterable[str]) -> Finding:
    """Return what to say of a ``switch`` that names what is no plugin, and so does nothing."""
    what = f"{switch} names {plain(name)!r}, which is no plugin{did_you_mean(name, known)}"
    return Finding("switch", what, "correct the name, or take it out; corenet plugins shows all")


def of_torch(modules: Sequence[str]) -> Finding:
    """Return what to say where listing the components of a plugin imports torch; ``modules`` are its hook modules."""
    where = ", ".join(modules) or "the hook module"
    return Finding("torch", "listing it imports torch", f"import torch where the components are, not in {where}")


def _as_told(problem: str, reason: str) -> Finding:
    what, _, fix = reason.partition("; ")
    return Finding(problem, what, fix)


def _mended(distribution: str, reason: str, modules: Sequence[str], run: str) -> str:
    """Return the fix for what a plugin's code raised, or did to the process; Python does it again with ``run``."""
    if not modules:
        return f"its metadata is damaged: pip install --force-reinstall --no-deps {distribution}"
    missing = MISSING.search(reason)
    if missing and not any(f"{each}.".startswith(f"{missing[1]}.") for each in modules):
        return f"pip install {missing[1].partition('.')[0]}, and ask its author to require it"
    for pattern, fix in FIXES:
        if found := pattern.search(reason):
            return fix.format(*found.groups(), distribution=distribution, run=run)
    debug = "CORENET_DEBUG=1 " if run == LISTING else ""  # a listing shows a reason alone
    return f"{debug}python {run} shows where; tell its author, or pip uninstall {distribution}"


def _renamed(name: str) -> str:
    better = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", name).strip("_").lower()
    return f"rename it to {better!r}" if SNAKE.fullmatch(better) else "rename it"
