"""Rows of a table as they were read: columns by name, each as numbers or as words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corenet.errors import DataError, did_you_mean
from corenet.tables.reader import pl
from corenet.tables.spelling import listed, quoted


@dataclass(frozen=True)
class Column:
    """One column: numbers, or text whose gaps are nulls. ``where(row)`` names a cell in messages."""

    rows: Rows
    name: str
    series: pl.Series

    def __len__(self) -> int:
        return len(self.series)

    @property
    def is_text(self) -> bool:
        """Whether its cells were given as text, which may spell numbers."""
        return self.series.dtype == pl.String

    def gaps(self) -> NDArray[np.bool_]:
        """Return which cells are missing."""
        return self.series.is_null().to_numpy()

    def spelled(self) -> NDArray[np.float64]:
        """Return its cells as numbers, NaN for a gap and for what is none."""
        return self.series.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()

    def odd(self) -> NDArray[np.int64]:
        """Return the rows whose cells are there and are no numbers."""
        return np.flatnonzero(np.isnan(self.spelled()) & ~self.gaps())

    def numbers(self) -> NDArray[np.float64]:
        """Return its cells as finite numbers, NaN for a gap.

        Raises:
            DataError: a cell is no number, or infinite.
        """
        numbers = self.spelled()
        for row in (*self.odd()[:1], *np.flatnonzero(np.isinf(numbers))[:1]):
            raise DataError(f"{self.where(row)} is {quoted(self.cell(row))}, not a finite number; correct the cell")
        return numbers

    def cell(self, row: int) -> str:
        """Return the text of a cell, as categories and classes are told apart by it."""
        return str(self.words()[int(row)])

    def words(self) -> pl.Series:
        """Return its cells as text: a whole number without a point, so that 1.0 and "1" are one category."""
        if not self.series.dtype.is_float():
            return self.series.cast(pl.String)
        whole = (self.series == self.series.round()) & (self.series.abs() < 2.0**53)
        whole = whole.fill_null(value=False)
        integers = self.series.set(~whole, None).cast(pl.Int64).cast(pl.String)
        return integers.zip_with(whole, self.series.cast(pl.String))

    def distinct(self) -> list[str]:
        """Return the different words in it, in order."""
        words: list[str] = self.words().drop_nulls().unique().sort().to_list()
        return words

    def codes(self, values: Sequence[str]) -> NDArray[np.int64]:
        """Return for each cell the place of its word among ``values``, or −1."""
        places = self.words().cast(pl.Enum(list(values)), strict=False).to_physical().cast(pl.Int64)
        return places.fill_null(-1).to_numpy()

    def where(self, row: int) -> str:
        """Return how messages name a cell."""
        return f"{self.rows.source}, row {self.rows.first + int(row) + 1:,}, column {quoted(self.name)}"


@dataclass(frozen=True)
class Rows:
    """Some rows of ``source``; ``first`` of them were read before. Rows are counted from 1, a header is none."""

    source: str
    frame: pl.DataFrame
    first: int = 0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.frame.height

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return self.frame.columns

    def column(self, name: str) -> Column:
        """Return a column by its name.

        Raises:
            DataError: there is none of this name.
        """
        if name not in self.frame.columns:
            hint = did_you_mean(name, self.names) or f"; it has {listed(self.names)}"
            raise DataError(f"{self.source} has no column {quoted(name)}{hint}")
        return Column(self, name, self.frame.get_column(name))


def cleaned(source: str, frame: pl.DataFrame, missing: Sequence[str], notes: Sequence[str] = ()) -> Rows:
    """Return the rows of a frame: numbers as they are, all else as text without blanks around it, gaps as nulls.

    Raises:
        DataError: a column holds lists, bytes or the like.
    """
    for name, dtype in frame.schema.items():
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise DataError(f"{source}, column {quoted(name)} holds {dtype}, neither numbers nor text; leave it out")
    columns = [_clean(name, dtype, missing) for name, dtype in frame.schema.items()]
    return Rows(source, frame.select(columns), notes=tuple(notes))


def _clean(name: str, dtype: pl.DataType, missing: Sequence[str]) -> pl.Expr:
    column = pl.col(name)
    if dtype.is_float():
        return column.fill_nan(None)
    if dtype.is_integer():
        return column
    if dtype.is_decimal():
        return column.cast(pl.Float64)
    text = column.cast(pl.String).str.strip_chars()
    lower = text.str.to_lowercase()
    text = pl.when(lower.is_in(("true", "false"))).then(lower).otherwise(text)
    return pl.when(lower.is_in([each.lower() for each in missing])).then(None).otherwise(text).alias(name)
