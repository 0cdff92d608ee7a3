"""Rows of a table as they were read: columns by name, each as numbers or as words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corenet.errors import DataError
from corenet.tables.different import Different, different
from corenet.tables.looked import Cell
from corenet.tables.reader import pl
from corenet.tables.spelling import MISSING, is_number, no_column, quoted
from corenet.tables.words import as_written, whole_without_point

if TYPE_CHECKING:
    from corenet.tables.targets import ClassTarget


class Rows:
    """Some rows of ``source``; ``first`` of them were read before. Rows are counted from 1, a header is none.

    ``missing`` says what stands for a gap, ``notes`` what of the reading was guessed.

    Raises:
        DataError: a column holds lists, bytes or the like.
    """

    def __init__(
        self,
        source: str,
        frame: pl.DataFrame,
        missing: Sequence[str] = MISSING,
        first: int = 0,
        notes: tuple[str, ...] = (),
    ) -> None:
        for name, dtype in frame.schema.items():
            if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
                raise DataError(
                    f"{source}, column {quoted(name)} holds {dtype}, neither numbers nor text; leave it out"
                )
        self.source, self.frame, self.missing, self.first, self.notes = source, frame, missing, first, notes
        self._columns: dict[str, Column] = {}
        self._names = frozenset(frame.columns)

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
        if name not in self._names:
            raise DataError(no_column(self.source, name, self.names))
        if name not in self._columns:
            self._columns[name] = Column(self, name, self.frame.get_column(name))
        return self._columns[name]

    def piece(self, start: int, size: int, first: int) -> Rows:
        """Return at most ``size`` of the rows from ``start`` on, ``first`` of all having been read before."""
        return Rows(self.source, self.frame.slice(start, size), self.missing, first, self.notes)


class Column:
    """One column of ``rows``. What is computed of it once is kept, as several ask for it."""

    def __init__(self, rows: Rows, name: str, series: pl.Series) -> None:
        self.rows, self.name = rows, name
        self.series = series if series.dtype.is_numeric() else series.cast(pl.String)

    def __len__(self) -> int:
        return len(self.series)

    @property
    def is_text(self) -> bool:
        """Whether its cells were given as text, which may spell numbers."""
        return self.series.dtype == pl.String

    @cached_property
    def _different(self) -> tuple[Different, Column] | None:
        """Its different cells, if they are text and few, and a column of them."""
        found = different(self.series)
        return None if found is None else (found, Column(self.rows, self.name, found.cells))

    @cached_property
    def spelled(self) -> NDArray[np.float64]:
        """Its cells as numbers, NaN for a gap and for what is none."""
        if self._different is not None:
            found, few = self._different
            return found.spread(few.spelled, np.nan)
        cells = self.series.str.strip_chars() if self.is_text else self.series
        numbers = cells.cast(pl.Float64, strict=False).to_numpy()  # nulls are NaN
        gaps = [float(each) for each in self.rows.missing if is_number(each) and float(each) == float(each)]
        return np.where(np.isin(numbers, gaps), np.nan, numbers) if gaps else numbers

    @cached_property
    def gaps(self) -> NDArray[np.bool_]:
        """Which cells are missing."""
        if self._different is not None:
            found, few = self._different
            return found.spread(few.gaps, of_null=True)
        strange = np.isnan(self.spelled)
        return self.words.is_null().to_numpy() if self.is_text and strange.any() else strange

    @cached_property
    def odd(self) -> NDArray[np.int64]:
        """The rows whose cells are there and are no numbers."""
        return np.flatnonzero(np.isnan(self.spelled) & ~self.gaps)

    @cached_property
    def words(self) -> pl.Series:
        """Its cells as text, null for a gap; 1.0 is ``"1"`` and True ``"true"``, however they were given."""
        if self.is_text:
            return as_written(self.series, self.rows.missing)
        return whole_without_point(self.series).set(pl.Series(self.gaps), None)

    @cached_property
    def distinct(self) -> list[str]:
        """The different words in it, in order."""
        words: list[str] = self.words.drop_nulls().unique().sort().to_list()
        return words

    @property
    def source(self) -> str:
        """Where it is from, in words."""
        return self.rows.source

    @property
    def gap_count(self) -> int:
        """How many cells are missing."""
        return int(self.gaps.sum())

    @property
    def first_gap(self) -> Cell | None:
        """The first that is."""
        return self._first(self.gaps)

    @property
    def first_present(self) -> Cell | None:
        """The first that is not."""
        return self._first(~self.gaps)

    @property
    def odd_count(self) -> int:
        """How many cells are there and are no numbers."""
        return len(self.odd)

    @property
    def first_odd(self) -> Cell | None:
        """The first of them."""
        return self._at(int(self.odd[0])) if len(self.odd) else None

    @property
    def different(self) -> str:
        """How many different words it has, in words."""
        return f"{len(self.distinct):,}"

    @property
    def has_fractions(self) -> bool:
        """Whether a number in it is not whole."""
        return has_fractions(self.numbers())

    @property
    def number_count(self) -> int:
        """How many different numbers it has."""
        return len(np.unique(self.numbers()))

    @property
    def counts_rows(self) -> bool:
        """Whether it is 0, 1, 2 … or 1, 2, 3 … down the rows, which would tell a sorted table's classes."""
        numbers = self.numbers()
        return len(numbers) > 10 and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())

    def span(self) -> tuple[float, float]:
        """Return its least and its largest number.

        Raises:
            DataError: a cell is no number, or infinite.
        """
        numbers = self.numbers()
        present = numbers[~np.isnan(numbers)]
        return float(present.min()), float(present.max())

    def counts(self, classes: ClassTarget) -> list[int]:
        """Return how many rows each of these classes has."""
        counts: list[int] = np.bincount(classes.codes(self), minlength=classes.outputs).tolist()
        return counts

    def first_of(self, classes: ClassTarget, place: int) -> str:
        """Return how messages name the first cell of a class."""
        return self.where(int(np.flatnonzero(classes.codes(self) == place)[0]))

    def numbers(self) -> NDArray[np.float64]:
        """Return its cells as finite numbers, NaN for a gap.

        Raises:
            DataError: a cell is no number, or infinite.
        """
        for row in (*self.odd[:1], *np.flatnonzero(np.isinf(self.spelled))[:1]):
            raise DataError(f"{self.where(row)} is {quoted(self.cell(row))}, not a finite number; correct the cell")
        return self.spelled

    def codes(self, values: Sequence[str]) -> NDArray[np.int64]:
        """Return for each cell the place of its word among ``values``, or −1."""
        if self._different is not None:
            found, few = self._different
            return found.spread(few.codes(values), -1)
        places = self.words.cast(pl.Enum(list(values)), strict=False).to_physical().cast(pl.Int64)
        return places.fill_null(-1).to_numpy()

    def cell(self, row: int) -> str:
        """Return the word of a cell."""
        return str(self.words[int(row)])

    def where(self, row: int) -> str:
        """Return how messages name a cell."""
        return f"{self.rows.source}, row {self.rows.first + int(row) + 1:,}, column {quoted(self.name)}"

    def _first(self, such: NDArray[np.bool_]) -> Cell | None:
        return self._at(int(such.argmax())) if such.any() else None

    def _at(self, row: int) -> Cell:
        return Cell(row, self.where(row), self.cell(row))


def has_fractions(numbers: NDArray[np.float64]) -> bool:
    """Return whether a number is not whole; a gap is none.

    >>> has_fractions(np.array([1.0, np.nan])), has_fractions(np.array([0.5]))
    (False, True)
    """
    return bool(((numbers != np.round(numbers)) & ~np.isnan(numbers)).any())
