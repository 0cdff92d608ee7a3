"""What the doctor finds wrong with a plugin, each with its fix in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from corenet.errors import did_you_mean
from corenet.registry.reason import Code, Reason
from corenet.registry.sanitize import plain
from corenet.registry.spec import EXPERIMENT, Component, PluginRow

REINSTALL = "pip install --force-reinstall --no-deps {distribution}"
INSTALL = "pip install {package}, and ask its author to require it"
FIXES: dict[Code, str] = {
    "announced_twice": "keep one of the two, in its pyproject.toml or its hooks",
    "invalid_name": "correct the name in its pyproject.toml or its hooks, and reinstall",
    "invalid_target": "correct the target in its pyproject.toml or its hooks, and reinstall",
    "missing_attribute": f"its entry point is misspelt or stale: {REINSTALL}",
    "missing_module": f"its metadata is stale: {REINSTALL}",  # its own module; for another one, INSTALL
    "not_a_checker": "write what corenet.registry.checkers.Checker has, or take it out of the group corenet.checkers",
    "not_a_command": "make it a click.Command, or take it out of the group corenet.commands",
    "process_ended": "python -X faulthandler {run} shows where; CORENET_DISABLE_PLUGINS={distribution} till then",
    "timed_out": "python -X importtime {run} shows where; a larger --timeout waits longer",
    "torch_unavailable": "python -c 'import torch' fails too; pip install --force-reinstall torch",
    "unreadable_metadata": f"its metadata is damaged: {REINSTALL}",
    "wrong_kind": "derive it from corenet.{subject}, or announce it as what it is",
}
CORRECT = "correct its file, or tell its author"
LISTING = "-m corenet list-components"  # importing a hook module alone calls no hook
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Finding:
    """A fault: what sort of ``problem`` it is, what was found, and how to mend it."""

    problem: str
    what: str
    fix: str


def plugin_findings(plugin: PluginRow, modules: Sequence[str]) -> Iterator[Finding]:
    """Yield what keeps a whole plugin from being used; ``modules`` are those that its entry points name."""
    if plugin.status == "broken":
        for cause in plugin.causes:
            yield Finding("broken", cause.text, _fix(plugin.distribution, cause, modules, LISTING))
    elif plugin.status in ("disabled", "incompatible"):
        yield from (Finding(plugin.status, cause.text, cause.fix) for cause in plugin.causes)


def component_findings(row: Component) -> Iterator[Finding]:
    """Yield what is wrong with one component, or experiment, of a plugin that is usable itself."""
    named = f"{row.kind} {row.name}"
    if row.status == "broken" and row.kind == EXPERIMENT:
        for cause in row.causes:
            what = cause.text if cause.code == "torch_unavailable" else f"{named}: {cause.text}"
            yield Finding("broken", what, FIXES.get(cause.code, CORRECT))
    elif row.status == "broken":
        yield from (target_finding(row.distribution, named, row.target, cause) for cause in row.causes)
    elif row.status in ("shadowed", "ambiguous"):
        yield from (Finding(row.status, f"{named}: {cause.text}", cause.fix) for cause in row.causes)
    if row.kind != EXPERIMENT and row.status != "broken" and not SNAKE.fullmatch(row.name):
        yield Finding("name", f"{named}: a name is lower case with underscores", _renamed(row.name))


def target_finding(distribution: str, named: str, target: str, cause: Reason) -> Finding:
    """Return the finding on a component or a command whose ``target`` cannot be used."""
    modules = [target.partition(":")[0]]
    fix = _fix(distribution, cause, modules, f"-c 'import {modules[0]}'")
    # Without torch every component fails alike, which is one fault and none of theirs.
    what = cause.text if cause.code == "torch_unavailable" else f"{named}: {cause.text}"
    return Finding("broken", what, fix)


def command_finding(name: str, others: Sequence[str]) -> Finding:
    """Return the finding on a command that ``others`` offer too, so that none of them can be called."""
    fix = f"CORENET_DISABLE_PLUGINS={','.join(others)} leaves this one"
    return Finding("ambiguous", f"command {name}: also in {', '.join(others)}", fix)


def setting_finding(setting: str, name: str, known: Iterable[str]) -> Finding:
    """Return the finding on a ``setting`` that names no plugin, and so has no effect."""
    what = f"{setting} names {plain(name)!r}, which is no plugin{did_you_mean(name, known)}"
    return Finding("setting", what, "correct the name, or take it out; corenet plugins shows all")


def torch_finding(modules: Sequence[str]) -> Finding:
    """Return the finding on a plugin that imports torch when it is listed; ``modules`` are its hook modules."""
    where = ", ".join(modules) or "the hook module"
    return Finding("torch", "listing it imports torch", f"import torch where the components are, not in {where}")


def _fix(distribution: str, cause: Reason, modules: Sequence[str], run: str) -> str:
    """Return the fix for what a plugin's code raised, or did to the process; ``python {run}`` does it again."""
    if cause.code == "missing_module" and not any(_holds(cause.subject, module) for module in modules):
        return INSTALL.format(package=cause.subject.partition(".")[0])
    if cause.code in FIXES:
        return FIXES[cause.code].format(distribution=distribution, run=run, subject=cause.subject)
    debug = "CORENET_DEBUG=1 " if run == LISTING else ""  # without it a listing shows no traceback
    return f"{debug}python {run} shows where; tell its author, or pip uninstall {distribution}"


def _holds(package: str, module: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def _renamed(name: str) -> str:
    better = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", name).strip("_").lower()
    return f"rename it to {better!r}" if SNAKE.fullmatch(better) else "rename it"
