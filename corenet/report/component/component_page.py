"""Everything about one component: its row in the registry, its docstring, its constructor, its conformance."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass, field
from typing import Any

from corenet.errors import BrokenComponentError
from corenet.registry.collect import reason_of
from corenet.registry.registry import registry
from corenet.registry.spec import Component, Kind
from corenet.report.component.constructor import Argument, arguments, takes_any_keyword
from corenet.report.component.docstring import Docstring, parse
from corenet.report.component.json_schema import constructor_schema
from corenet.testing.conformance import check_component

ROW = ("name", "kind", "distribution", "version", "status", "reason", "summary", "aliases", "tags", "target")


@dataclass(frozen=True)
class Conformance:
    """The result of the conformance kit: how many checks passed, the ids of those that failed, or why none was run.

    ``complaints`` are the messages of the failures; checks with the same message share a line.
    """

    passed: int = 0
    failures: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    reason: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether the component conforms; None if it could not be checked."""
        return None if self.reason else not self.failures


@dataclass(frozen=True)
class ComponentPage:
    """Everything about one component; of one that cannot be used only the row, and ``cls`` is None."""

    row: Component
    cls: type | None = None
    docstring: Docstring = field(default_factory=Docstring)
    arguments: tuple[Argument, ...] = ()
    file: str = ""
    line: int | None = None
    conformance: Conformance | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the page as plain values, for JSON; ``constructor`` is a JSON Schema."""
        parts = asdict(self.docstring)
        del parts["arguments"]  # the schema has them, as descriptions
        return {
            **{name: getattr(self.row, name) for name in ROW},
            "file": self.file,
            "line": self.line,
            "docstring": parts,
            "constructor": self._schema(),
            "conformance": self.conformance and {"ok": self.conformance.ok, **asdict(self.conformance)},
        }

    def _schema(self) -> dict[str, Any] | None:
        if self.cls is None:
            return None
        return constructor_schema(self.cls.__name__, self.arguments, open_ended=takes_any_keyword(self.cls))


def component_page(row: Component) -> ComponentPage:
    """Return the page of a component: import it, read it, and run the conformance kit on it.

    >>> from corenet.registry.registry import registry
    >>> page = component_page(registry().find("optimizer", "sgd"))
    >>> page.row.status, page.conformance.ok, page.docstring.formulas[-1].split("  ")[0]
    ('loaded', True, 'w ← w − ηₜ g')
    """
    if row.status == "broken" or not row.usable or row.kind == "plugin":
        return ComponentPage(row)
    try:
        cls = registry().get(row.kind, row.qualified_name)
    except BrokenComponentError:
        return ComponentPage(registry().find(row.kind, row.qualified_name))  # the row states the reason now
    docstring = parse(cls.__doc__)
    return ComponentPage(
        registry().find(row.kind, row.qualified_name),
        cls,
        docstring,
        tuple(arguments(cls, docstring.arguments)),
        *_source(cls),
        _conformance(cls, row.kind),
    )


def _source(cls: type) -> tuple[str, int | None]:
    """Return the file of a class and its first line there, as far as Python can find them."""
    try:
        file = inspect.getsourcefile(cls) or ""
    except TypeError:  # written in C
        return "", None
    try:
        return file, inspect.getsourcelines(cls)[1]
    except OSError:  # made by a call, not by a class statement
        return file, None


def _conformance(cls: type, kind: Kind) -> Conformance:
    try:
        report = check_component(cls, kind)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        return Conformance(reason=reason_of(error))
    passed = sum(result.verdict == "passed" for result in report.results)
    failed = [each for each in report.merged() if each.verdict == "failed"]
    complaints = [f"{each.check}: {each.message}" for each in failed]
    return Conformance(passed, tuple(each.check for each in report.failures), tuple(complaints))
