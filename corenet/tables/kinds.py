"""What each column is taken for: numbers, categories, or nothing; and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from corenet.errors import ConfigError, DataError
from corenet.tables.spelling import is_date, listed, mark_advice, no_column, quoted
from corenet.tables.targets import ClassTarget, classes_of

if TYPE_CHECKING:
    from corenet.tables.looked import Looked

Kind = Literal["number", "category", "drop"]

FEW = 20  # different whole numbers of a target are classes up to this many; so are words among numbers
MANY = 100  # different words of a column are no categories beyond
MOSTLY = 0.9  # of the cells are numbers: the others are mistakes


class Columns(Protocol):
    """Columns by their names, of so many rows."""

    source: str

    def __len__(self) -> int: ...

    @property
    def names(self) -> list[str]:
        """Their names in order."""
        ...

    def column(self, name: str) -> Looked:
        """Return one of them."""
        ...


@dataclass(frozen=True)
class Decision:
    """What one column is taken for, and what of it a person should see."""

    name: str
    kind: Kind
    what: str


def decide(rows: Columns, target: str, asked: Mapping[str, str]) -> tuple[list[Decision], Decision]:
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


def _all_decided(columns: Sequence[Looked], asked: Mapping[str, str]) -> list[Decision]:
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


def refuse_unknown(rows: Columns, target: str, asked: Mapping[str, str]) -> None:
    """Refuse a kind that there is not, and one for a column that there is not."""
    rows.column(target)
    names = frozenset(rows.names)
    for name, kind in asked.items():
        if name not in names:
            raise ConfigError(f"columns: {no_column(rows.source, name, rows.names)}", name="columns", value=name)
        if kind not in get_args(Kind) or (name == target and kind == "drop"):
            kinds = "number or category" if name == target else "number, category or drop"
            raise ConfigError(f"columns: {quoted(name)} can be {kinds}, not {kind!r}", name="columns", value=kind)


def _decided(column: Looked, asked: str | None) -> Decision:
    """Return what a column that is no target is taken for."""
    if asked == "drop":
        return Decision(column.name, "drop", "left out, as asked")
    present = len(column) - column.gap_count
    if present == 0:
        return Decision(column.name, "drop", "left out: empty")
    if asked == "number" or (asked is None and _spells_numbers(column, present)):
        return _number(column, asked)
    return _category(column, asked, present)


def _spells_numbers(column: Looked, present: int) -> bool:
    """Return whether the cells are numbers.

    Raises:
        DataError: nearly all are, so that the others must be mistakes.
    """
    odd = column.first_odd
    if odd is None:
        return True
    numbers = present - column.odd_count
    if column.odd_count == 1 and odd.row == 0 and numbers > 2:
        raise DataError(
            f"{odd.where} is {quoted(odd.word)}, all below are numbers: a second header? Take that line out; else "
            f"{_or_category(column)}"
        )
    if advice := mark_advice(odd.word):
        raise DataError(f"{odd.where}: {quoted(odd.word)} {advice}; else {_or_category(column)}")
    if numbers >= MOSTLY * present and len(column.distinct) > FEW:
        raise DataError(
            f"{odd.where} is {quoted(odd.word)}, {numbers:,} other cells are numbers; correct it, or say by "
            f"missing=[...] that it stands for a gap; else {_or_category(column)}"
        )
    return False


def _or_category(column: Looked) -> str:
    return f"columns={{{column.name!r}: 'category'}}, or 'drop'"


def _number(column: Looked, asked: str | None) -> Decision:
    low, high = column.span()
    if low == high and asked is None and not column.gap_count:
        return Decision(column.name, "drop", f"left out: {low:g} in every row")
    if asked is None and column.counts_rows:
        return Decision(column.name, "drop", f"left out: it counts the rows, {low:g}, {low + 1:g} … {high:g}")
    return Decision(column.name, "number", f"{low:g} … {high:g}{_gaps(column)}")


def _category(column: Looked, asked: str | None, present: int) -> Decision:
    words = column.distinct
    if asked is None:
        _refuse_no_category(column, words, present)
        if len(words) == 1 and present == len(column):
            return Decision(column.name, "drop", f"left out: {quoted(words[0])} in every row")
    values = "value" if len(words) == 1 else "values"
    return Decision(column.name, "category", f"{column.different} {values}: {listed(words, 5)}{_gaps(column)}")


def _refuse_no_category(column: Looked, words: list[str], present: int) -> None:
    first = column.first_present
    if first is not None and all(map(is_date, words)):
        raise DataError(
            f"{first.where} is {quoted(first.word)}, a date or time, which is no number; "
            f"make columns such as year, month or days since, or leave it out: columns={{{column.name!r}: 'drop'}}"
        )
    if len(words) > MANY or (len(words) > 10 and len(words) > present / 2):
        raise DataError(
            f"{column.source}, column {quoted(column.name)} has {column.different} different words in {present:,} "
            f"cells ({listed([quoted(word) for word in words], 2)}): names, ids or free text; leave it out or insist: "
            f"columns={{{column.name!r}: 'drop'}}, or 'category'"
        )


def _gaps(column: Looked) -> str:
    gaps = column.gap_count
    return f"; {gaps:,} gap{'s' * (gaps > 1)}" if gaps else ""


def target_kind(column: Looked, asked: str | None) -> Decision:
    """Return whether a target is classes (``category``) or a ``number``: whole numbers are classes if few differ.

    Raises:
        DataError: it has gaps, is the same in every row, or a class has one row.
    """
    if (gap := column.first_gap) is not None:
        raise DataError(
            f"{gap.where} is the target and is missing, as in {column.gap_count:,} "
            f"row{'s' * (column.gap_count > 1)}; leave those rows out"
        )
    if len(column.distinct) == 1:
        raise DataError(
            f"{column.source}, column {quoted(column.name)} is the target and is {quoted(column.distinct[0])} in "
            "every row; choose another by target="
        )
    if asked == "number" or (asked is None and _is_measured(column)):
        low, high = column.span()
        return Decision(column.name, "number", f"a number, {low:g} … {high:g}")
    coding = ClassTarget(column.name, classes_of(column))
    counts = dict(zip(map(str, coding.classes), column.counts(coding), strict=True))
    _refuse_classes(column, coding, counts, asked)
    shown = listed([f"{name} {count:,}" for name, count in counts.items()])
    return Decision(column.name, "category", f"{len(counts)} classes: {shown}")


def _is_measured(column: Looked) -> bool:
    if not _spells_numbers(column, len(column)):
        return False
    column.span()
    return column.has_fractions or column.number_count > FEW


def _refuse_classes(column: Looked, coding: ClassTarget, counts: Mapping[str, int], asked: str | None) -> None:
    if asked is None and len(counts) > max(FEW, len(column) / 2):
        raise DataError(
            f"{column.source}, column {quoted(column.name)} is the target and has {column.different} different words "
            f"({listed([quoted(word) for word in counts], 2)}): no classes; choose another column by target="
        )
    for place, (name, count) in enumerate(counts.items()):
        if count == 1:
            where = column.first_of(coding, place)
            raise DataError(
                f"{where} is the only one of the class {quoted(name)}, too few to learn and to test; leave the row out "
                f"or join classes{_or_number(column)}"
            )


def _or_number(column: Looked) -> str:
    return "" if column.odd_count else f"; columns={{{column.name!r}: 'number'}} if it is a measure"
