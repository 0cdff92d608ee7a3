"""How the target becomes targets, and outputs its words or values again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from corenet.errors import DataError, DTypeError, RangeError, ShapeError
from corenet.tables.columns import mean_and_std
from corenet.tables.spelling import listed, quoted

if TYPE_CHECKING:
    from corenet.tables.looked import Looked
    from corenet.tables.rows import Column

Label = str | int | float | bool


def word(label: Label) -> str:
    """Return how a class is written in a table that is read.

    >>> word(True), word(2.0), word("yes")
    ('true', '2', 'yes')
    """
    if isinstance(label, bool):
        return str(label).lower()
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


@dataclass(frozen=True)
class ClassTarget:
    """Class indices for :class:`~corenet.CrossEntropyLoss`, of an output with a column for each class.

    ``counts`` are the rows of each class in the training part; none in a file of before they were kept.
    """

    name: str
    classes: tuple[Label, ...]
    counts: tuple[int, ...] = ()

    @classmethod
    def fitted(cls, column: Column, part: NDArray[np.int64]) -> ClassTarget:
        """Return the coding of a target: the classes of all rows, counted in the rows ``part``."""
        coding = cls(column.name, classes_of(column))
        codes = coding.codes(column)[part]
        return cls(coding.name, coding.classes, tuple(np.bincount(codes, minlength=coding.outputs).tolist()))

    @property
    def outputs(self) -> int:
        """How many outputs a model of it has."""
        return len(self.classes)

    def encode(self, column: Column) -> Tensor:
        """Return the class index of each row.

        Raises:
            DataError: a label is missing, or none of the classes.
        """
        codes = self.codes(column)
        for row in np.flatnonzero(codes < 0)[:1]:
            found = "is missing" if column.gaps[row] else f"is {quoted(column.cell(row))}, no class of the training"
            known = listed([str(each) for each in self.classes])
            raise DataError(f"{column.where(row)} {found} ({known}); correct it, or leave the row out")
        return torch.tensor(codes)  # polars' own memory is not to be written

    def codes(self, column: Column) -> NDArray[np.int64]:
        """Return the class index of each row, or −1."""
        if any(isinstance(each, str | bool) for each in self.classes):
            return column.codes([word(each) for each in self.classes])
        numbers, classes = column.spelled, np.array(self.classes, float)
        places = np.searchsorted(classes, numbers).clip(max=len(classes) - 1)
        return np.where(classes[places] == numbers, places, -1)

    def decode(self, output: Tensor) -> list[Label]:
        """Return the class of each row of an output, or of class indices."""
        if output.is_floating_point():
            if output.dim() != 2 or output.shape[1] != self.outputs:
                expected = f"expected a column for each of the {self.outputs} classes"
                raise ShapeError(f"the labels of {self.name}", output.shape, expected)
            _refuse_nan(output)
            output = output.argmax(1)
        if output.is_complex():
            raise DTypeError(f"the labels of {self.name} are of logits, probabilities or indices, not {output.dtype}")
        if output.numel() and not 0 <= int(output.min()) <= int(output.max()) < len(self.classes):
            raise RangeError(f"the labels of {self.name} have the indices 0 to {len(self.classes) - 1}")
        return [self.classes[index] for index in output.reshape(-1).tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it in words and numbers."""
        counts = {"counts": list(self.counts)} if self.counts else {}
        return {"kind": "category", "name": self.name, "classes": list(self.classes), **counts}


def classes_of(column: Looked) -> tuple[Label, ...]:
    """Return the classes of a target, which are truth values or whole numbers where all its words are."""
    words = column.distinct
    if set(words) == {"false", "true"}:
        return (False, True)
    if column.odd_count:
        return tuple(words)
    numbers = sorted({float(each) for each in words})
    return tuple(int(each) if each.is_integer() else each for each in numbers)


@dataclass(frozen=True)
class NumberTarget:
    """``(y − mean) / std`` as a column, for a loss such as :class:`~corenet.MSELoss`."""

    name: str
    mean: float
    std: float

    @classmethod
    def fitted(cls, column: Column, part: NDArray[np.int64]) -> NumberTarget:
        """Return the coding of a target by the rows ``part``."""
        return cls(column.name, *mean_and_std(column.numbers()[part]))

    @property
    def outputs(self) -> int:
        """How many outputs a model of it has."""
        return 1

    def encode(self, column: Column) -> Tensor:
        """Return the standardised values.

        Raises:
            DataError: a value is missing, or no number.
        """
        for row in np.flatnonzero(column.gaps)[:1]:
            raise DataError(f"{column.where(row)} is the target and is missing; leave the row out")
        values = (column.numbers() - self.mean) / self.std
        return torch.from_numpy(values[:, None]).to(torch.get_default_dtype())

    def decode(self, output: Tensor) -> list[Label]:
        """Return the value that each row of an output stands for."""
        if output.shape not in ((len(output), 1), (len(output),)):
            raise ShapeError(f"the values of {self.name}", output.shape, "expected one number a row")
        _refuse_nan(output)
        return (output.double().reshape(-1) * self.std + self.mean).tolist()

    def to_dict(self) -> dict[str, Any]:
        """Return all of it in words and numbers."""
        return {"kind": "number", "name": self.name, "mean": self.mean, "std": self.std}


def _refuse_nan(output: Tensor) -> None:
    rows = output.reshape(len(output), -1).isnan().any(1).nonzero()
    if len(rows):
        raise DataError(f"the output is not a number in {len(rows)} rows, the first is row {int(rows[0]) + 1}")
