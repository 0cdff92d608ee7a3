"""The docstring of a component in parts, as corenet's docstrings are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from inspect import cleandoc

from corenet.registry.sanitize import LONGEST, plain

SECTION = re.compile(r"(Args|Shape|Raises|References?|Returns|Yields|Examples?|Notes?):(?:\s+(.*))?")
ENTRY = re.compile(r"(\*{0,2}\w[\w.]*(?:, \*{0,2}\w[\w.]*)*)(?: \([^)]*\))?:\s+(.*)")
QUOTED = re.compile(r"``(.+?)``")


@dataclass
class Docstring:
    """A docstring in parts, each without its markup.

    ``formulas`` are what its summary has in double backticks and the lines of its ``::`` blocks;
    where there is no block, the equations in the text below the summary.
    """

    summary: str = ""
    formulas: list[str] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)
    shape: str = ""
    raises: dict[str, str] = field(default_factory=dict)
    reference: str = ""


def parse(text: str | None) -> Docstring:
    r"""Return the parts of a docstring; missing ones are empty.

    >>> found = parse('''Scale ``y = a x``.
    ...
    ...     Args:
    ...         a: how much,
    ...             a number.
    ...
    ...     Shape: any, unchanged.
    ...     ''')
    >>> found.summary, found.formulas, found.arguments, found.shape
    ('Scale y = a x.', ['y = a x'], {'a': 'how much, a number.'}, 'any, unchanged.')
    """
    summary, *rest = _paragraphs(text or "") or [[]]
    parts = Docstring(_prose(summary), QUOTED.findall(" ".join(summary)))
    section, block, equations = "", [], []
    for lines in rest:
        indented = lines[0].startswith(" ")
        if not indented:
            section = ""
        if heading := SECTION.fullmatch(lines[0]):
            section, lines = heading[1], [heading[2] or "", *lines[1:]]
        if section:
            _add_section(parts, section, lines)
        elif indented:
            block += _dedented(lines)
        elif not lines[0].startswith(">>>"):
            equations += [each for each in QUOTED.findall(" ".join(lines)) if " = " in each]
    parts.formulas += block or equations
    return parts


def _paragraphs(text: str) -> list[list[str]]:
    """Return the blocks of lines between blank ones, sanitised, with their spacing."""
    blocks: list[list[str]] = [[]]
    for line in cleandoc(text).splitlines():
        words = " ".join(map(plain, line.split(" "))).rstrip()[:LONGEST]
        if words:
            blocks[-1].append(words)
        else:
            blocks.append([])
    return [block for block in blocks if block]


def _add_section(parts: Docstring, section: str, lines: list[str]) -> None:
    if section == "Args":
        parts.arguments.update(_entries(lines))
    elif section == "Raises":
        parts.raises.update(_entries(lines))
    elif section == "Shape":
        parts.shape = _prose([parts.shape, *lines])
    elif section.startswith("Reference"):
        parts.reference = _prose([parts.reference, *lines])


def _entries(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each name and its meaning; names that share one, ``device, dtype: where``, each get it."""
    entries: list[tuple[str, list[str]]] = []
    for line in _dedented([line for line in lines if line]):
        if heading := ENTRY.fullmatch(line):
            entries.append((heading[1], [heading[2]]))
        elif entries:
            entries[-1][1].append(line)
    for names, meaning in entries:
        for name in names.split(", "):
            yield name.lstrip("*"), _prose(meaning)


def _prose(lines: list[str]) -> str:
    return QUOTED.sub(r"\1", " ".join(" ".join(lines).split()))


def _dedented(lines: list[str]) -> list[str]:
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return [line[margin:] for line in lines]
