"""A column of which the cells went by block by block: what is decided on, and what its coding is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from corenet.errors import DataError
from corenet.tables.columns import CategoryColumn, NumberColumn, joined, moments
from corenet.tables.kinds import FEW, Kind
from corenet.tables.looked import Cell
from corenet.tables.reader import pl
from corenet.tables.rows import Column, Rows, has_fractions
from corenet.tables.spelling import quoted
from corenet.tables.targets import ClassTarget, NumberTarget, classes_of

WORDS = 10_000  # different ones that are counted
SHOWN = 200  # that are kept of more than that

Moments = tuple[int, float, float]


class Words:
    """The different words of a column: how often each came, how often in training, and where first.

    Where there are too many to keep, ``are_all`` is False, and some are kept to be shown.
    """

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, int, Callable[[], str]]] = {}
        self.are_all = True

    def add(self, column: Column, train: NDArray[np.bool_]) -> None:
        """Take in the words of a block."""
        cells = pl.DataFrame({"cell": column.series, "train": train}).with_row_index("row")
        counted = cells.group_by("cell").agg(pl.len(), pl.col("train").sum(), pl.col("row").min()).sort("row")
        self.are_all = self.are_all and len(self.found) + len(counted) <= WORDS
        counted = counted.head(WORDS if self.are_all else SHOWN)
        words = Rows(column.source, counted.select("cell"), column.rows.missing).column("cell").words.to_list()
        rows = Rows(column.source, column.rows.frame.clear(), (), column.rows.first)  # to say where, and hold no cell
        for word, count, in_train, row in zip(words, *counted.select("len", "train", "row"), strict=True):
            if word is not None:
                before, train_before, first = self.found.get(word, (0, 0, None))
                where = first or partial(rows.column(column.name).where, row)
                self.found[word] = (before + count, train_before + in_train, where)

    def __len__(self) -> int:
        return len(self.found)


class Seen:
    """A column of a table ``source`` as far as it went by: a :class:`~corenet.tables.looked.Looked`."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source
        self.words = Words()
        self.gap_count = self.odd_count = self._length = 0
        self.first_gap: Cell | None = None
        self.first_present: Cell | None = None
        self.first_odd: Cell | None = None
        self._infinite: Cell | None = None
        self.has_fractions, self.has_train_gaps, self._counts = False, False, True
        self._start = 0.0
        self._numbers: set[float] = set()
        self._bounds: list[float] = []
        self._moments: list[Moments] = []

    def add(self, column: Column, first: int, train: NDArray[np.bool_]) -> None:
        """Take in the cells of a block, before which ``first`` rows of the table came; ``train`` are for training."""
        if not len(column):
            return
        if self.words.are_all:
            self.words.add(column, train)
        gaps, spelled = column.gaps, column.spelled
        self._add_gaps(column, first, gaps, train)
        self.odd_count += len(column.odd)
        self.first_odd = self.first_odd or _moved(column.first_odd, first)
        if not self.odd_count:
            self._add_numbers(column, first, spelled, train & ~gaps)
        self._length += len(column)

    def _add_gaps(self, column: Column, first: int, gaps: NDArray[np.bool_], train: NDArray[np.bool_]) -> None:
        if self.first_present is None:
            self.first_present = _moved(column.first_present, first)
        if gaps.any():
            self.first_gap = self.first_gap or _moved(column.first_gap, first)
            self.gap_count += int(gaps.sum())
            self.has_train_gaps = self.has_train_gaps or bool(gaps[train].any())

    def _add_numbers(self, column: Column, first: int, numbers: NDArray[np.float64], train: NDArray[np.bool_]) -> None:
        infinite = np.isinf(numbers)
        if infinite.any() and self._infinite is None:
            row = int(infinite.argmax())
            self._infinite = Cell(first + row, column.where(row), column.cell(row))
        if self._infinite is not None:
            return
        self._counts = self._counts and self._go_on_counting(numbers, first)
        self.has_fractions = self.has_fractions or has_fractions(numbers)
        if len(self._numbers) <= FEW:
            self._numbers.update(np.unique(numbers[~np.isnan(numbers)])[: FEW + 1].tolist())
        if not np.isnan(numbers).all():
            self._bounds += [float(np.nanmin(numbers)), float(np.nanmax(numbers))]
        self._moments.append(moments(numbers[train]))

    def _go_on_counting(self, numbers: NDArray[np.float64], first: int) -> bool:
        """Tell whether the numbers go on from those of the blocks before, by 1 a row."""
        start = numbers[0] if first == 0 else self._start
        self._start = float(start)
        return start in (0, 1) and bool((numbers == start + np.arange(first, first + len(numbers))).all())

    def __len__(self) -> int:
        return self._length

    @property
    def distinct(self) -> list[str]:
        """The different words in it, in order; of very many the first that came."""
        return sorted(self.words.found)

    @property
    def different(self) -> str:
        """How many different words it has, in words."""
        return f"{len(self.words):,}" if self.words.are_all else f"more than {WORDS:,}"

    @property
    def counts_rows(self) -> bool:
        """Whether it is 0, 1, 2 … or 1, 2, 3 … down the rows."""
        return self._counts and len(self) > 10

    @property
    def number_count(self) -> int:
        """How many different numbers it has; of very many those that are kept."""
        return len(self._numbers)

    def span(self) -> tuple[float, float]:
        """Return its least and its largest number.

        Raises:
            DataError: a cell is no number, or infinite.
        """
        if wrong := self.first_odd or self._infinite:
            raise DataError(f"{wrong.where} is {quoted(wrong.word)}, not a finite number; correct the cell")
        return min(self._bounds), max(self._bounds)

    def counts(self, classes: ClassTarget) -> list[int]:
        """Return how many rows each of these classes has."""
        return self._counted(classes, [count for count, _, _ in self.words.found.values()])

    def first_of(self, classes: ClassTarget, place: int) -> str:
        """Return how messages name the first cell of a class."""
        firsts = [first for _, _, first in self.words.found.values()]
        return firsts[int(np.flatnonzero(self._codes(classes) == place)[0])]()

    def _counted(self, classes: ClassTarget, counts: Sequence[int]) -> list[int]:
        found: list[int] = np.bincount(self._codes(classes), counts, classes.outputs).astype(int).tolist()
        return found

    def _codes(self, classes: ClassTarget) -> NDArray[np.int64]:
        """Return the class of each of its words."""
        words = pl.DataFrame({self.name: list(self.words.found)}, schema={self.name: pl.String})
        return classes.codes(Rows(self.source, words, ()).column(self.name))

    def coding(self, kind: Kind) -> NumberColumn | CategoryColumn:
        """Return its coding by the rows for training, as a number or as a category.

        Raises:
            DataError: it has more words than a category may have.
        """
        if kind == "number":
            _, mean, std = joined(self._moments)
            return NumberColumn(self.name, mean, std or 1.0, self.has_train_gaps)
        if not self.words.are_all:
            raise DataError(
                f"{self.source}, column {quoted(self.name)} has {self.different} different words, too many for "
                f"categories; leave it out: columns={{{self.name!r}: 'drop'}}"
            )
        words = sorted(word for word, (_, train, _) in self.words.found.items() if train)
        return CategoryColumn(self.name, tuple(words), self.has_train_gaps)

    def target(self, kind: Kind) -> ClassTarget | NumberTarget:
        """Return its coding as the target."""
        if kind == "number":
            _, mean, std = joined(self._moments)
            return NumberTarget(self.name, mean, std or 1.0)
        classes = ClassTarget(self.name, classes_of(self))
        train = [count for _, count, _ in self.words.found.values()]
        return ClassTarget(self.name, classes.classes, tuple(self._counted(classes, train)))


def _moved(cell: Cell | None, first: int) -> Cell | None:
    return None if cell is None else cell._replace(row=cell.row + first)
