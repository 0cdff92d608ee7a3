"""A person's table: read, understood, shown, and divided into data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.tables.coding import TableCoding
from corenet.tables.columns import CategoryColumn, NumberColumn
from corenet.tables.kinds import Decision, Kind, decide
from corenet.tables.show import as_html, as_text
from corenet.tables.spelling import MISSING, listed
from corenet.tables.split import stratified
from corenet.tables.targets import ClassTarget, NumberTarget

if TYPE_CHECKING:
    from corenet.tables.rows import Rows

Split = tuple[Dataset, Any, Any]  # the others are data sets too, or None


class Table:
    """A table whose columns are understood; :func:`~corenet.table` makes it, and ``print`` shows what was decided.

    ``columns`` has a decision for each column, ``target`` that of the target, and ``coding`` is what turns rows into
    inputs and outputs into labels: a :class:`~corenet.tables.coding.TableCoding` with the means, deviations and
    categories of the training part of the last :meth:`split`, or of all rows before there is one.
    """

    def __init__(self, rows: Rows, target: str, asked: Mapping[str, Kind], missing: Sequence[str] = MISSING) -> None:
        self.rows = rows
        self.columns, self.target = decide(rows, target, asked)
        self._missing = tuple(missing)
        self.coding = self._fitted(np.arange(len(rows)))

    def split(self, valid: float = 0.2, test: float = 0.2, seed: int = 0) -> Split:
        """Return data sets for training, for looking on and for testing; each has the classes in the same proportion.

        What standardises and codes them is taken from the training part alone, and is :attr:`coding` from now on. Each
        class has a row at least in the training part. A part of a fraction of 0 is None.

        Raises:
            ConfigError: another fraction leaves a part empty, or they leave too little to train on.

        >>> train, valid, test = table("iris").split(valid=0.2, test=0.1)
        >>> len(train), len(valid), len(test)
        (105, 30, 15)
        """
        parts = stratified(self._classes(), valid, test, seed)
        self.coding = self._fitted(parts[0])
        whole = self.coding.encoded(self.rows)
        train, *others = (Dataset(whole.inputs[part], whole.targets[part]) if len(part) else None for part in parts)
        assert train is not None, "each class has a row in it"
        return train, others[0], others[1]

    @property
    def source(self) -> str:
        """Where it is from, in words."""
        return self.rows.source

    @property
    def notes(self) -> tuple[str, ...]:
        """What of its reading was guessed."""
        return self.rows.notes

    def dataset(self) -> Dataset:
        """Return all rows as they are coded, in the table's order."""
        return self.coding.encoded(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    def _classes(self) -> NDArray[np.int64]:
        """Return the class of each row; measured targets are of one."""
        if isinstance(self.coding.target, ClassTarget):
            return self.coding.target.codes(self.rows.column(self.target.name))
        return np.zeros(len(self), np.int64)

    def _fitted(self, part: NDArray[np.int64]) -> TableCoding:
        column = self.rows.column(self.target.name)
        measured = self.target.kind == "number"
        target = NumberTarget.fitted(column, part) if measured else ClassTarget.fitted(column, part)
        columns = (self._column(decision, part) for decision in self.columns if decision.kind != "drop")
        return TableCoding(tuple(columns), target, self._missing)

    def _column(self, decision: Decision, part: NDArray[np.int64]) -> NumberColumn | CategoryColumn:
        kind = NumberColumn if decision.kind == "number" else CategoryColumn
        return kind.fitted(self.rows.column(decision.name), part)


def table(
    source: Any,
    target: Any = None,
    *,
    columns: Mapping[str, Kind] | None = None,
    missing: Sequence[str] = MISSING,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: Sequence[str] | None = None,
) -> Table:
    """Return a table, its columns understood: numbers, categories, gaps, and what is to be predicted.

    Args:
        source: a path of a text file of rows (CSV, TSV and the like), of Parquet (``.parquet``), Arrow (``.arrow``,
            ``.feather``), ``.npz`` or ``.npy``; a polars, pandas or Arrow table; a dict of columns; an array or tensor
            of numbers, whose columns are called ``x0``, ``x1`` …; or the name of a set: ``"iris"``, ``"wine"``,
            ``"breast_cancer"``, ``"digits"``, ``"diabetes"`` of scikit-learn, or ``"disk"``, ``"moons"``,
            ``"spirals"``, ``"xor"``, ``"circles"``, ``"sine"``, ``"bumps"``, drawn from the seed 0.
        target: the name of the column to predict, or its values, one a row. The named sets know theirs.
        columns: ``"number"``, ``"category"`` or ``"drop"`` for columns whose decision shall be another.
        missing: what stands for a gap, in any case of letters.
        delimiter: the character between the cells of a text file, if it is not to be found out.
        encoding: that of a text file; by default UTF-8, or Windows-1252 where it is none.
        header: the names of the columns of a file that has none, or of an array.

    Raises:
        DataError: the source is no table that can be learnt from; the message names file, row, column and fix.
        OutputError: a file cannot be read.
        ConfigError: an option is none that can be.
        MissingExtraError: polars is not installed, or scikit-learn for its sets.

    >>> table({"age": [31, None, 22, 19], "city": ["Ulm", "Bonn", "Ulm", "?"], "votes": [1, 0, 0, 1]}, target="votes")
    the table: 4 rows, 5 inputs → 2 outputs
    COLUMN  AS        WHAT
    age     number    19 … 31; 1 gap
    city    category  2 values: Bonn, Ulm; 1 gap
    votes   target    2 classes: 0 2, 1 2
    """
    from corenet.tables.sources import Reading, read, with_target

    rows = read(source, Reading(delimiter, encoding, header, missing))
    if target is not None and not isinstance(target, str):
        rows, target = with_target(rows, target)
    return Table(rows, _target(source, target, rows), dict(columns or {}), missing)


def _target(source: Any, target: str | None, rows: Rows) -> str:
    from corenet.tables.bundled import NAMES, TARGET

    if target is None and isinstance(source, str) and source in NAMES:
        return TARGET
    if target is None:
        raise ConfigError(
            f"which column shall be predicted? {rows.source} has {listed(rows.names)}; say target={rows.names[-1]!r}",
            name="target",
        )
    return target
