"""What a model says of the rows of a table, piece by piece, in the words of its labels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.data import Dataset
from corenet.errors import ConfigError, DataError, TableWarning
from corenet.tables.coding import TableCoding
from corenet.tables.spelling import listed, quoted
from corenet.tables.targets import word

if TYPE_CHECKING:
    from corenet.tables.reader import pl
    from corenet.tables.rows import Rows

ROWS = 4_000  # at most, in a piece
NUMBERS = 2**22  # at most, among the inputs of a piece


@dataclass(frozen=True)
class Predictor:
    """A model with the coding of its table, and the loss that says what its outputs mean, if that is known.

    ``allow_unseen`` takes a category or a gap that training had not as the coding does, with a warning; otherwise it is
    an error.

    >>> import corenet as cn
    >>> table = cn.table({"age": [31, 40, 22, 19], "vote": ["yes", "no", "yes", "no"]}, target="vote")
    >>> model = cn.Linear(1, 2, init="zeros")
    >>> model.bias[1] = 1.0
    >>> (frame,) = Predictor(model, table.coding).frames({"name": ["Ada"], "age": [36]}, probabilities=True)
    >>> frame.columns
    ['name', 'age', 'predicted_vote', 'probability_no', 'probability_yes']
    >>> frame["predicted_vote"].to_list()
    ['yes']
    """

    model: Module
    coding: TableCoding
    loss: Loss | None = None
    allow_unseen: bool = False

    def rows(self, source: Any) -> Iterator[Rows]:
        """Yield the rows of a source in pieces; see :meth:`TableCoding.rows`.

        Raises:
            DataError: there is none, or a cell is unlike all that training had.
        """
        size = max(1, min(ROWS, NUMBERS // self.coding.in_features))
        pieces = self.coding.rows(source, size)
        rows = self._next(pieces)
        if rows is None:
            raise DataError(f"{source} has a header and no row below it")
        while rows is not None:
            yield rows
            rows = self._next(pieces)

    def _next(self, pieces: Iterator[Rows]) -> Rows | None:
        if self.allow_unseen:
            return next(pieces, None)
        with warnings.catch_warnings():
            warnings.simplefilter("error", TableWarning)
            try:
                return next(pieces, None)
            except TableWarning as warning:
                fix = f"correct it, or take it as {warning.taken} by --allow-unseen"
                raise DataError(f"{warning.cell}; {fix}") from None

    def unused(self, rows: Rows) -> list[str]:
        """Return the columns that the model does not read, apart from the target's."""
        read = {column.name for column in self.coding.columns} | {self.coding.target.name}
        return [name for name in rows.names if name not in read]

    def output(self, rows: Rows) -> Tensor:
        """Return the model's output for rows that were read, in evaluation mode."""
        with evaluating(self.model):
            output: Tensor = self.model(self.coding.encode(rows).to(self._dtype))
        return output

    def datasets(self, source: Any) -> Iterator[Dataset]:
        """Yield inputs and targets of the rows of a source, to measure the model on.

        Raises:
            DataError: a target is missing, or none of the classes.
        """
        for rows in self.rows(source):
            yield self.coding.encoded(rows).to(dtype=self._dtype)

    @property
    def _dtype(self) -> torch.dtype:
        """What the model computes in."""
        dtypes = (each.dtype for each in self.model.parameters() if each.is_floating_point())
        return next(dtypes, torch.get_default_dtype())

    def probabilities(self, output: Tensor) -> Tensor:
        """Return the probability of each class, by the loss; without one of outputs that are some, or are logits.

        Raises:
            ConfigError: the target is a number, or the loss takes outputs for values.
        """
        if not self.coding.classes:
            name = quoted(self.coding.target.name)
            raise ConfigError(f"{name} is a number and has no probabilities; leave out --probabilities")
        if self.loss is not None:
            return self.loss.probabilities(output)
        return output if are_probabilities(output) else output.softmax(1)

    def predictions(self, source: Any, *, probabilities: bool = False) -> Iterator[tuple[Rows, dict[str, Any]]]:
        """Yield rows of a source, and the columns of what is predicted of them, by their names.

        Raises:
            DataError: the source is no table of such rows.
            ConfigError: probabilities are asked for, and there are none.
        """
        for rows in self.rows(source):
            yield rows, self._columns(self.output(rows), probabilities)

    def frames(self, source: Any, *, probabilities: bool = False) -> Iterator[pl.DataFrame]:
        """Yield the rows of a source with all their columns, what is predicted of them beside.

        Raises:
            DataError: the source is no table of such rows, has a column of the name of one to be added, or has files
                of other columns.
            ConfigError: probabilities are asked for, and there are none.
        """
        from corenet.tables.reader import pl

        first: list[str] = []
        for rows, added in self.predictions(source, probabilities=probabilities):
            if taken := [name for name in added if name in rows.names]:
                names = listed([quoted(name) for name in taken])
                raise DataError(f"{rows.source} has the column {names} already; rename it or leave it out")
            first = first or rows.names
            if set(first) != set(rows.names):
                raise DataError(f"{rows.source} has the columns {listed(rows.names)}, the first file {listed(first)}")
            yield rows.frame.select(first).hstack(pl.DataFrame(added))

    def _columns(self, output: Tensor, probabilities: bool) -> dict[str, Any]:
        found: dict[str, Any] = {f"predicted_{self.coding.target.name}": self.coding.labels(output)}
        if probabilities:
            by_class = self.probabilities(output).double().unbind(1)
            names = [f"probability_{word(each)}" for each in self.coding.classes]
            found |= {name: column.numpy() for name, column in zip(names, by_class, strict=True)}
        return found


def are_probabilities(output: Tensor) -> bool:
    """Tell whether each row of an output is a distribution over its columns, as a softmax gives it.

    >>> import torch
    >>> are_probabilities(torch.tensor([[0.25, 0.75]])), are_probabilities(torch.tensor([[-1.0, 2.0]]))
    (True, False)
    """
    return bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < 1e-3).all())
