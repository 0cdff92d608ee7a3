"""All that is known of one component: its row in the registry, its docstring, its constructor, its proof."""

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
    """What the conformance kit says: how many checks passed, the ids of those that failed, or why none was run.

    ``complaints`` are the failures to read, those that found the same in one line.
    """

    passed: int = 0
    failures: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    reason: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether the component conforms; None if nobody knows."""
        return None if self.reason else not self.failures


@dataclass(frozen=True)
class Card:
    """A component in full. Of one that cannot be used there is the row alone, and ``cls`` is None."""

    row: Component
    cls: type | None = None
    docstring: Docstring = field(default_factory=Docstring)
    arguments: tuple[Argument, ...] = ()
    file: str = ""
    line: int | None = None
    conformance: Conformance | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain values, for JSON; ``constructor`` is a JSON Schema."""
        parts = asdict(self.docstring)
        del parts["arguments"]  # they are the schema's descriptions
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


def card_of(row: Component) -> Card:
    """Return the card of a component: import it, read it, and run the conformance kit on it.

    >>> from corenet.registry.registry import registry
    >>> card = card_of(registry().find("module", "relu"))
    >>> card.docstring.formulas, card.row.status
    (['y = max(x, 0)', 'dx = dy · 1[y > 0]'], 'loaded')
    """
    if row.status == "broken" or not row.usable or row.kind == "plugin":
        return Card(row)
    try:
        cls = registry().get(row.kind, row.qualified_name)
    except BrokenComponentError:
        return Card(registry().find(row.kind, row.qualified_name))  # which knows the reason now
    docstring = parse(cls.__doc__)
    return Card(
        registry().find(row.kind, row.qualified_name),
        cls,
        docstring,
        tuple(arguments(cls, docstring.arguments)),
        *_source(cls),
        _conformance(cls, row.kind),
    )


def _source(cls: type) -> tuple[str, int | None]:
    """Return the file of a class and the line where it begins, as far as Python can tell."""
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
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything
        return Conformance(reason=reason_of(error))
    passed = sum(result.verdict == "passed" for result in report.results)
    failed = [each for each in report.merged() if each.verdict == "failed"]
    complaints = [f"{each.check}: {each.message}" for each in failed]
    return Conformance(passed, tuple(each.check for each in report.failures), tuple(complaints))
