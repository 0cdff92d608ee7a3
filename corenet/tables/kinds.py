"""What each column is taken for: numbers, categories, or nothing; and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from corenet.errors import ConfigError, DataError, did_you_mean
from corenet.tables.spelling import is_date, listed, mark_advice, quoted
from corenet.tables.targets import ClassTarget

if TYPE_CHECKING:
    from corenet.tables.rows import Column, Rows

Kind = Literal["number", "category", "drop"]

FEW = 20  # different whole numbers of a target are classes up to this many; so are words among numbers
MANY = 100  # different words of a column are no categories beyond
MOSTLY = 0.9  # of the cells are numbers: the others are mistakes


@dataclass(frozen=True)
class Decision:
    """What one column is taken for, and what of it a person should see."""

    name: str
    kind: Kind
    what: str


def decide(rows: Rows, target: str, asked: Mapping[str, str]) -> tuple[list[Decision], Decision]:
    """Return what each column is taken for, and what the target is; ``asked`` has the user's own words on it.

    Raises:
        DataError: a column can be taken for nothing, such as dates, or the target for no target.
        ConfigError: a kind or a column that is asked for is none.
    """
    refuse_unknown(rows, target, asked)
    others = [rows.column(name) for name in rows.names if name != target]
    if not others:
        raise DataError(
            f"{rows.source} has one column, {quoted(target)}; a table has the target and at least one more; "
            "delimiter= says what is between cells"
        )
    if len(rows) < 2:
        raise DataError(f"{rows.source} has one row; a table has at least two, and a useful one hundreds")
    decisions = _all_decided(others, asked)
    if all(decision.kind == "drop" for decision in decisions):
        raise DataError(f"{rows.source} has no column to learn from: {decisions[0].name} is {decisions[0].what}")
    return decisions, target_kind(rows.column(target), asked.get(target))


def _all_decided(columns: Sequence[Column], asked: Mapping[str, str]) -> list[Decision]:
    """Return each decision; what is refused of several columns is said at once, not one at a time."""
    decisions, refused = [], {}
    for column in columns:
        try:
            decisions.append(_decided(column, asked.get(column.name)))
        except DataError as error:
            refused[column.name] = error
    if len(refused) > 1:
        first, *others = refused
        names = listed([quoted(name) for name in others])
        raise DataError(f"{refused[first]}. Such columns are also {names}; columns={dict.fromkeys(refused, 'drop')}")
    for only in refused.values():
        raise only
    return decisions


def refuse_unknown(rows: Rows, target: str, asked: Mapping[str, str]) -> None:
    """Refuse a kind that there is not, and one for a column that there is not."""
    rows.column(target)
    names = frozenset(rows.names)
    for name, kind in asked.items():
        if name not in names:
            hint = did_you_mean(name, rows.names) or f"; it has {listed(rows.names)}"
            raise ConfigError(f"columns: {rows.source} has no column {quoted(name)}{hint}", name="columns", value=name)
        if kind not in get_args(Kind) or (name == target and kind == "drop"):
            kinds = "number or category" if name == target else "number, category or drop"
            raise ConfigError(f"columns: {quoted(name)} can be {kinds}, not {kind!r}", name="columns", value=kind)


def _decided(column: Column, asked: str | None) -> Decision:
    """Return what a column that is no target is taken for."""
    if asked == "drop":
        return Decision(column.name, "drop", "left out, as asked")
    present = len(column) - int(column.gaps.sum())
    if present == 0:
        return Decision(column.name, "drop", "left out: empty")
    if asked == "number" or (asked is None and _spells_numbers(column, present)):
        return _number(column, asked)
    return _category(column, asked, present)


def _spells_numbers(column: Column, present: int) -> bool:
    """Return whether the cells are numbers.

    Raises:
        DataError: nearly all are, so that the others must be mistakes.
    """
    odd = column.odd
    if not len(odd):
        return True
    first, numbers = column.cell(odd[0]), present - len(odd)
    if len(odd) == 1 and odd[0] == 0 and numbers > 2:
        raise DataError(
            f"{column.where(0)} is {quoted(first)}, all below are numbers: a second header? Take that line out; else "
            f"{_or_category(column)}"
        )
    if advice := mark_advice(first):
        raise DataError(f"{column.where(odd[0])}: {quoted(first)} {advice}; else {_or_category(column)}")
    if numbers >= MOSTLY * present and len(column.distinct) > FEW:
        raise DataError(
            f"{column.where(odd[0])} is {quoted(first)}, {numbers:,} other cells are numbers; correct it, or say by "
            f"missing=[...] that it stands for a gap; else {_or_category(column)}"
        )
    return False


def _or_category(column: Column) -> str:
    return f"columns={{{column.name!r}: 'category'}}, or 'drop'"


def _number(column: Column, asked: str | None) -> Decision:
    numbers = column.numbers()
    present = numbers[~np.isnan(numbers)]
    low, high = present.min(), present.max()
    if low == high and asked is None and len(present) == len(numbers):
        return Decision(column.name, "drop", f"left out: {low:g} in every row")
    if asked is None and _is_counter(numbers):
        return Decision(column.name, "drop", f"left out: it counts the rows, {low:g}, {low + 1:g} … {high:g}")
    return Decision(column.name, "number", f"{low:g} … {high:g}{_gaps(column)}")


def _is_counter(numbers: np.ndarray) -> bool:
    """Return whether the numbers are 0, 1, 2 … or 1, 2, 3 …, which would tell a sorted table's classes."""
    return len(numbers) > 10 and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _category(column: Column, asked: str | None, present: int) -> Decision:
    words = column.distinct
    if asked is None:
        _refuse_no_category(column, words, present)
        if len(words) == 1 and present == len(column):
            return Decision(column.name, "drop", f"left out: {quoted(words[0])} in every row")
    values = "value" if len(words) == 1 else "values"
    return Decision(column.name, "category", f"{len(words):,} {values}: {listed(words, 5)}{_gaps(column)}")


def _refuse_no_category(column: Column, words: list[str], present: int) -> None:
    if all(map(is_date, words)):
        first = int(column.gaps.argmin())
        raise DataError(
            f"{column.where(first)} is {quoted(column.cell(first))}, a date or time, which is no number; "
            f"make columns such as year, month or days since, or leave it out: columns={{{column.name!r}: 'drop'}}"
        )
    if len(words) > MANY or (len(words) > 10 and len(words) > present / 2):
        raise DataError(
            f"{column.rows.source}, column {quoted(column.name)} has {len(words):,} different words in {present:,} "
            f"cells ({listed([quoted(word) for word in words], 2)}): names, ids or free text; leave it out or insist: "
            f"columns={{{column.name!r}: 'drop'}}, or 'category'"
        )


def _gaps(column: Column) -> str:
    gaps = int(column.gaps.sum())
    return f"; {gaps:,} gap{'s' * (gaps > 1)}" if gaps else ""


def target_kind(column: Column, asked: str | None) -> Decision:
    """Return whether a target is classes (``category``) or a ``number``: whole numbers are classes if few differ.

    Raises:
        DataError: it has gaps, is the same in every row, or a class has one row.
    """
    gaps = np.flatnonzero(column.gaps)
    if len(gaps):
        raise DataError(
            f"{column.where(gaps[0])} is the target and is missing, as in {len(gaps):,} row{'s' * (len(gaps) > 1)}; "
            "leave those rows out"
        )
    if len(column.distinct) == 1:
        raise DataError(
            f"{column.rows.source}, column {quoted(column.name)} is the target and is {quoted(column.cell(0))} in "
            "every row; choose another by target="
        )
    if asked == "number" or (asked is None and _is_measured(column)):
        numbers = column.numbers()
        return Decision(column.name, "number", f"a number, {numbers.min():g} … {numbers.max():g}")
    coding = ClassTarget.fitted(column, np.arange(len(column)))
    counts = dict(zip(map(str, coding.classes), coding.counts, strict=True))
    _refuse_classes(column, coding, counts, asked)
    shown = listed([f"{name} {count:,}" for name, count in counts.items()])
    return Decision(column.name, "category", f"{len(counts)} classes: {shown}")


def _is_measured(column: Column) -> bool:
    if not _spells_numbers(column, len(column)):
        return False
    numbers = column.numbers()
    return bool((numbers != np.round(numbers)).any()) or len(np.unique(numbers)) > FEW


def _refuse_classes(column: Column, coding: ClassTarget, counts: Mapping[str, int], asked: str | None) -> None:
    if asked is None and len(counts) > max(FEW, len(column) / 2):
        raise DataError(
            f"{column.rows.source}, column {quoted(column.name)} is the target and has {len(counts):,} different words "
            f"({listed([quoted(word) for word in counts], 2)}): no classes; choose another column by target="
        )
    for place, (name, count) in enumerate(counts.items()):
        if count == 1:
            row = int(np.flatnonzero(coding.codes(column) == place)[0])
            raise DataError(
                f"{column.where(row)} is the only one of the class {quoted(name)}, too few to learn and to test; "
                f"leave the row out or join classes{_or_number(column)}"
            )


def _or_number(column: Column) -> str:
    return "" if len(column.odd) else f"; columns={{{column.name!r}: 'number'}} if it is a measure"
