"""How cells are written: what stands for a gap, and what looks like a number to people and is none."""

from __future__ import annotations

import re

from corenet.errors import did_you_mean

MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-")  # compared in lower case

DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{2}|\d{4})( .*)?|\d{1,2}:\d{2}(:\d{2}.*)?"
)
THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?|[-+]?\d{1,3}([ '’\u00a0\u202f]\d{3})+([.,]\d+)?")
UNIT = re.compile(r"[$€£¥]\s?(?P<money>[-+]?[\d.]+)|(?P<number>[-+]?[\d.]+)\s?[%$€£¥]")
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
SHOWN = 40


def is_number(cell: str) -> bool:
    """Return whether a cell is a number as a file spells it.

    >>> is_number("-1.5e3"), is_number("1,500"), is_number("1_500")
    (True, False, False)
    """
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def is_date(cell: str) -> bool:
    """Return whether a cell is a date or a time of day.

    >>> is_date("2024-02-29"), is_date("29.02.2024"), is_date("2024"), is_date("12:30")
    (True, True, False, True)
    """
    return DATE.fullmatch(cell) is not None


def mark_advice(cell: str) -> str:
    """Return what to do about a number that is written with marks, or nothing where there are none.

    >>> mark_advice("1,234,567.5")
    'has thousands separators; write 1234567.5'
    >>> mark_advice("3,14")
    'has a decimal comma; write 3.14'
    >>> mark_advice("12.5 %")
    'has a unit; write 12.5'
    """
    if THOUSANDS.fullmatch(cell):
        return f"has thousands separators; write {re.sub('[^0-9.+-]', '', cell)}"
    if DECIMAL_COMMA.fullmatch(cell):
        return f"has a decimal comma; write {cell.replace(',', '.')}"
    if unit := UNIT.fullmatch(cell):
        return f"has a unit; write {unit['money'] or unit['number']}"
    return ""


def quoted(cell: str) -> str:
    """Return a cell as messages show it: in quotes, and not at any length."""
    return repr(cell if len(cell) <= SHOWN else f"{cell[: SHOWN - 1]}…")


def listed(cells: list[str], most: int = 8) -> str:
    """Return the first of some cells, separated by commas.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(cells[:most])
    return shown if len(cells) <= most else f"{shown} and {len(cells) - most:,} more"


def no_column(source: str, name: str, names: list[str]) -> str:
    """Return what to say of a name that no column has.

    >>> no_column("people.csv", "hight", ["age", "height"])
    "people.csv has no column 'hight' (did you mean 'height'?)"
    >>> no_column("people.csv", "vote", ["age", "height"])
    "people.csv has no column 'vote'; it has age, height"
    """
    hint = did_you_mean(name, names) or f"; it has {listed(names)}"
    return f"{source} has no column {quoted(name)}{hint}"
