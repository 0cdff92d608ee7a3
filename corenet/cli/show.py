"""``corenet show``: all there is to know of one component."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import click

from corenet.cli import options
from corenet.cli.no_plugins import no_plugins
from corenet.errors import UnknownComponentError
from corenet.registry.registry import registry
from corenet.registry.spec import KINDS, Component, Kind
from corenet.text_width import display_width, wrap

if TYPE_CHECKING:
    from corenet.report.component.component_page import ComponentPage, Conformance
    from corenet.report.component.constructor import Argument

LABEL = 11
COPIED = ("target", "file")  # never broken, since a path may have blanks
MEANING = "    "
WIDEST = 100  # longer lines are hard to read


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), help="Only the component of this kind.")
@no_plugins
@options.json
def command(name: str, kind: Kind | None, as_json: bool) -> None:
    """Show what the component NAME computes, what it takes, where it is from, and whether it conforms.

    NAME may be qualified by its distribution, corenet-swish:swish. If a module and a loss
    have the name, both are shown. Exit code 1 if one is broken; one that does not conform
    is shown with exit code 0, and fails corenet check.
    """
    from corenet.report.component.component_page import component_page

    pages = [component_page(row) for row in _named(name, [kind] if kind else list(KINDS))]
    if as_json:
        options.print_json({"schema": 1, "components": [page.to_dict() for page in pages]})
    else:
        width = min(shutil.get_terminal_size().columns, WIDEST)
        click.echo("\n\n".join("\n".join(_lines(page, width)) for page in pages))
    if any(page.row.status == "broken" for page in pages):
        click.get_current_context().exit(1)


def _named(name: str, kinds: list[Kind]) -> list[Component]:
    """Return the component called ``name`` of each kind that has one, or the plugin of that name that has none."""
    found = registry().find_all(name, kinds) or [
        row for row in registry().components() if row.kind == "plugin" and row.name == name
    ]
    if not found:
        what = kinds[0] if len(kinds) == 1 else "component"
        meant = registry().meant(name, *kinds)
        raise UnknownComponentError(f"there is no {what} {name!r}{meant}; corenet list-components shows all", name=name)
    return found


def _lines(page: ComponentPage, width: int) -> Iterator[str]:
    yield _title(page.row)
    yield ""
    yield from wrap(page.docstring.summary or page.row.summary, width)
    yield ""
    for label, text in _parts(page):
        room = sys.maxsize if label in COPIED else width - LABEL
        lines = [each for line in text for each in _fitted(line, room)]
        for index, line in enumerate(lines):
            yield f"{'' if index else label:{LABEL}}{line}"


def _title(row: Component) -> str:
    name = click.style(row.name, bold=True)
    status = click.style(row.status, fg="red" if row.status == "broken" else None)
    return f"{name} · {row.kind} · {row.distribution} {row.version} · {status}"


def _parts(page: ComponentPage) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the parts of a page, each with its lines, however long; one without lines is left out."""
    row, docstring = page.row, page.docstring
    yield "reason", [row.reason]
    yield "formula", docstring.formulas
    if page.cls:
        yield "call", [_call(page.cls, page.arguments)]
    yield "arguments", [line for each in page.arguments for line in (str(each), MEANING + each.meaning)]
    yield "shape", [docstring.shape]
    yield "raises", [f"{', '.join(errors)}: {why}" for why, errors in _by_meaning(docstring.raises)]
    yield "reference", [docstring.reference]
    yield "aliases", [", ".join(row.aliases)]
    yield "tags", [", ".join(row.tags)]
    yield "target", [row.target]
    yield "file", [f"{page.file}:{page.line}" if page.line else page.file]
    if page.conformance:
        yield "conforms", _conforms(page.conformance)


def _call(cls: type, arguments: Iterable[Argument]) -> str:
    given = (each.name if each.required else f"{each.name}={each.shown_default}" for each in arguments)
    return f"{cls.__name__}({', '.join(given)})"


def _by_meaning(raises: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    return ((why, [name for name, _ in items]) for why, items in groupby(raises.items(), itemgetter(1)))


def _conforms(conformance: Conformance) -> list[str]:
    if conformance.ok is None:
        return [f"not checked: {conformance.reason}"]
    if conformance.ok:
        return [f"{conformance.passed} checks"]
    return [f"no, fails {each}" for each in conformance.complaints]


def _fitted(line: str, width: int) -> list[str]:
    """Return the line in pieces of at most ``width`` cells, parted at its widest gaps if it is too long."""
    if display_width(line) <= width:
        return [line] if line.strip() else []
    indent = line[: len(line) - len(line.lstrip())]
    pieces = re.split(" {3,}", line.strip())
    return [part for piece in pieces for part in wrap(piece, width, first=indent, rest=indent or "  ")]
