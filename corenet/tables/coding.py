"""What turns rows into inputs and outputs into words: fitted once, saved beside the model, used for every new row."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from corenet.data import Dataset
from corenet.errors import DTypeError, TableWarning
from corenet.integers import positive_integer
from corenet.tables.columns import CategoryColumn, NumberColumn
from corenet.tables.saved import coding_from_dict
from corenet.tables.spelling import MISSING, listed, quoted
from corenet.tables.targets import ClassTarget, Label, NumberTarget

if TYPE_CHECKING:
    from corenet.tables.rows import Rows
    from corenet.tables.sources import Reading

VERSION = 1


@dataclass(frozen=True, repr=False)
class TableCoding:
    """How each column becomes inputs, and the target targets; a plain description that goes into a file.

    ``source`` is, wherever it stands, what :func:`~corenet.table` takes; only the columns that are coded are needed of
    it. A gap or a category that training did not have is no reason to refuse a million rows: a number is taken as the
    mean, a category as none of the known, with one :class:`~corenet.TableWarning` a column that names the first cell.

    >>> from corenet.tables.table import table
    >>> coding = table({"age": [31, 40, 22, 19], "vote": ["yes", "no", "yes", "no"]}, target="vote").coding
    >>> coding.inputs({"age": [28]}).tolist()
    [[0.0]]
    >>> coding.labels(torch.tensor([[0.1, 2.0]]))
    ['yes']
    >>> TableCoding.from_dict(coding.to_dict()) == coding
    True
    """

    columns: tuple[NumberColumn | CategoryColumn, ...]
    target: ClassTarget | NumberTarget
    missing: tuple[str, ...] = MISSING

    @property
    def names(self) -> list[str]:
        """What each input of the model is: a number, or ``city is Bonn``, or ``age is missing``."""
        return [name for column in self.columns for name in column.inputs]

    @property
    def in_features(self) -> int:
        """How many inputs a model has."""
        return len(self.names)

    @property
    def out_features(self) -> int:
        """How many outputs a model has: a column for each class, or one."""
        return self.target.outputs

    @property
    def classes(self) -> tuple[Label, ...]:
        """The classes in the order of the output's columns; none where the target is a number."""
        return self.target.classes if isinstance(self.target, ClassTarget) else ()

    def inputs(self, source: Any, **how: Any) -> Tensor:
        """Return the inputs of a model, one row a row of ``source``.

        Raises:
            DataError: a column is missing, or a cell that should be a number is none.
        """
        return self.encode(self._looked_at(source, how))

    def targets(self, source: Any, **how: Any) -> Tensor:
        """Return the targets of the rows of ``source``: class indices, or a column of standardised values.

        Raises:
            DataError: the target is missing in a row, or a label that training did not have.
        """
        return self.target.encode(self._read(source, how).column(self.target.name))

    def dataset(self, source: Any, **how: Any) -> Dataset:
        """Return inputs and targets of other rows, such as those of a file for testing."""
        return self.encoded(self._looked_at(source, how))

    def stream(self, source: Any, batch: int = 10_000, **how: Any) -> Iterator[Tensor]:
        """Yield the inputs of at most ``batch`` rows at a time, reading a file piece by piece in bounded memory.

        >>> from corenet.tables.table import table
        >>> coding = table("iris").coding
        >>> [len(inputs) for inputs in coding.stream("iris", batch=60)]
        [60, 60, 30]
        """
        for rows in self.rows(source, batch, **how):
            yield self.encode(rows)

    def stream_datasets(self, source: Any, batch: int = 10_000, **how: Any) -> Iterator[Dataset]:
        """Yield inputs and targets of at most ``batch`` rows at a time, as :meth:`stream` reads them."""
        for rows in self.rows(source, batch, **how):
            yield self.encoded(rows)

    def rows(self, source: Any, batch: int = 10_000, **how: Any) -> Iterator[Rows]:
        """Yield the rows, at most ``batch`` at a time, to :meth:`encode` and to write beside what is predicted.

        Their ``frame`` has all columns of the source, as polars.
        """
        from corenet.tables.sources import blocks

        positive_integer("batch", batch)
        batch = min(batch, 2**31)  # more than any table has, and polars takes no larger number
        warned: set[str] = set()
        for rows in blocks(source, self._reading(how), batch):
            self._warn(rows, warned)
            yield rows

    def labels(self, output: Tensor) -> list[Label]:
        """Return the class, or the value, that each row of a model's output stands for.

        Outputs of classes are logits or probabilities with a column for each class, or class indices.
        """
        if not isinstance(output, Tensor):
            raise DTypeError(f"labels takes a model's output, a torch.Tensor, not {type(output).__name__}")
        return self.target.decode(output)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as numbers, words, lists and dicts, for JSON."""
        columns = [column.to_dict() for column in self.columns]
        target = self.target.to_dict()
        return {"version": VERSION, "missing": list(self.missing), "columns": columns, "target": target}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> TableCoding:
        """Return the coding that :meth:`to_dict` wrote.

        Raises:
            CheckpointError: it is no such description, or one of another version.
        """
        return cls(*coding_from_dict(saved, VERSION))

    def encode(self, rows: Rows) -> Tensor:
        """Return the inputs of rows that were read."""
        inputs = torch.empty(len(rows), self.in_features, dtype=torch.get_default_dtype())
        first = 0
        for coding in self.columns:
            encoded = coding.encode(rows.column(coding.name))
            inputs[:, first : first + encoded.shape[1]] = torch.from_numpy(encoded)
            first += encoded.shape[1]
        return inputs

    def encoded(self, rows: Rows) -> Dataset:
        """Return inputs and targets of rows that were read."""
        return Dataset(self.encode(rows), self.target.encode(rows.column(self.target.name)))

    def __repr__(self) -> str:
        outputs = listed([str(each) for each in self.classes]) or self.target.name
        return f"TableCoding({self.in_features:,} input{'s' * (self.in_features > 1)} → {outputs})"

    def _read(self, source: Any, how: Mapping[str, Any]) -> Rows:
        from corenet.tables.sources import read

        return read(source, self._reading(how))

    def _looked_at(self, source: Any, how: Mapping[str, Any]) -> Rows:
        rows = self._read(source, how)
        self._warn(rows, set())
        return rows

    def _reading(self, how: Mapping[str, Any]) -> Reading:
        from corenet.tables.sources import Reading

        return Reading(missing=self.missing, **how)

    def _warn(self, rows: Rows, warned: set[str]) -> None:
        """Warn of the first cell of each column that training had no like of; of none in ``warned``."""
        for coding in self.columns:
            column = rows.column(coding.name)
            strange, taken = coding.strange(column)
            if len(strange) and coding.name not in warned:
                warned.add(coding.name)
                gap = bool(column.gaps[strange[0]])
                found = "is missing" if gap else f"is {quoted(column.cell(strange[0]))}"
                others = f" (and {len(strange) - 1:,} more like it)" if len(strange) > 1 else ""
                cell = f"{column.where(strange[0])} {found}, which training had not{others}"
                warnings.warn(TableWarning(f"{cell}; taken as {taken}", cell=cell, taken=taken), stacklevel=4)
