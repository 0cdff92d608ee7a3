"""One plugin tried against the core at hand, and against the oldest that it says it supports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from corenet import __version__
from corenet.canary.environment import Environment, TrialError
from corenet.canary.subject import Subject, oldest
from corenet.registry.compatibility import reason_against
from corenet.registry.distributions import BUILTIN

_METADATA = (
    "import json; from importlib.metadata import distribution; found = distribution({!r}); "
    "print(json.dumps([found.version, found.requires or []]))"
)


@dataclass(frozen=True)
class Cell:
    """What came of a plugin with one version of the core: ``passed``, ``failed`` or ``not tried``."""

    core: str
    status: str
    components: int = 0
    failures: tuple[str, ...] = ()  # of each component, with the checks that failed
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """A plugin, and what came of it with each core."""

    distribution: str
    version: str
    cells: tuple[Cell, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(cell.status != "failed" for cell in self.cells)


def try_out(subject: Subject, limit: float) -> Row:
    """Return what the kit says of all that a plugin offers, with the core at hand and with its oldest."""
    with Environment() as environment:
        try:
            if subject.source is not None:
                environment.install(subject.source)
            version, requires = json.loads(environment.ask(_METADATA.format(subject.name)))
        except TrialError as error:
            return Row(subject.name, "", (Cell(__version__, "failed", reason=f"it cannot be installed: {error}"),))
        return Row(subject.name, version, tuple(_cells(environment, subject.name, requires, limit)))


def _cells(environment: Environment, name: str, requires: list[str], limit: float) -> Iterator[Cell]:
    if reason := reason_against(requires, __version__):
        yield Cell(__version__, "failed", reason=str(reason))
    else:
        yield _checked(environment, name, __version__, limit)
    floor = oldest(requires)
    if floor is None:
        yield Cell("any", "not tried", reason="it names no oldest corenet; write corenet>=… in its dependencies")
    elif reason_against([f"corenet=={floor}"], __version__) is not None:  # else it was tried just now
        yield _with_older(environment, name, floor, limit)


def _with_older(environment: Environment, name: str, core: str, limit: float) -> Cell:
    try:
        environment.install(f"{BUILTIN}=={core}", options=["--no-deps"])
    except TrialError as error:
        return Cell(core, "not tried", reason=f"corenet {core} cannot be installed: {error}")
    return _checked(environment, name, core, limit)


def _checked(environment: Environment, name: str, core: str, limit: float) -> Cell:
    try:
        components = environment.check(name, limit)["components"]
    except TrialError as error:
        return Cell(core, "failed", reason=f"corenet check {error}")
    failures = tuple(_failure(each) for each in components if not each["ok"])
    return Cell(core, "failed" if failures else "passed", len(components), failures)


def _failure(component: dict[str, Any]) -> str:
    checks = [each["check"] for each in component["checks"] if each["verdict"] == "failed"]
    return f"{component['name']}: {', '.join(checks) or component['message']}"
