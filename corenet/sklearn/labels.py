"""Labels of classes, and the numbers that a network learns in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.errors import DataError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Labels:
    """The classes in their order, and the loss that says how they are coded.

    A loss with a column for each class in its outputs takes indices; any other one column of 0 and 1 for two classes,
    and one of them for each class of more. With ``several`` labels a row, each class is a yes or no.

    >>> import corenet as cn
    >>> labels = Labels(np.array(["ham", "spam"]), cn.BCEWithLogitsLoss())
    >>> labels.targets(np.array(["spam", "ham"]), torch.float32)
    tensor([[1.],
            [0.]])
    >>> labels.read(torch.tensor([[2.0], [-1.0]])).tolist()
    ['spam', 'ham']
    """

    classes: Array
    loss: Loss
    several: bool = False

    @property
    def columns(self) -> int:
        """How many numbers the network gives for a row."""
        return 1 if self._is_yes_or_no else len(self.classes)

    def targets(self, y: Array, dtype: torch.dtype) -> Tensor:
        """Return what the network is to learn.

        Raises:
            DataError: there is a label that is no class.
        """
        if self.several:
            return torch.tensor(self._checked(y), dtype=dtype)
        index = torch.from_numpy(self._index(y))
        if self.loss.class_dim is not None:
            return index
        if self._is_yes_or_no:
            return index.to(dtype).unsqueeze(1)
        return torch.eye(len(self.classes), dtype=dtype)[index]

    def read(self, output: Tensor) -> Array:
        """Return the labels of the network's output."""
        if self.several:
            return self.loss.predictions(output).numpy().astype(np.int64)
        found: Array = self.classes[self._read(output).numpy()]
        return found

    def score(self, output: Tensor, targets: Tensor, weights: Tensor | None) -> float:
        """Return the accuracy, the part of the rows, or of their weights, whose output is read as their target."""
        right = self._right(output, targets).double()
        return (right.mean() if weights is None else (weights * right).sum() / weights.sum()).item()

    def probabilities(self, output: Tensor) -> Array:
        """Return the probability of each class, in a column for each.

        Raises:
            ConfigError: the loss takes outputs for values, and has no probabilities.
        """
        probabilities = self.loss.probabilities(output)
        if self._is_yes_or_no:
            probabilities = torch.cat([1 - probabilities, probabilities], 1)
        elif self.loss.class_dim is None and not self.several:  # one against the rest, each
            probabilities = probabilities / probabilities.sum(1, keepdim=True)
        return probabilities.numpy()

    @property
    def _is_yes_or_no(self) -> bool:
        return len(self.classes) == 2 and self.loss.class_dim is None and not self.several

    def _read(self, output: Tensor) -> Tensor:
        return (self.loss.predictions(output)[:, 0] > 0.5).long() if self._is_yes_or_no else output.argmax(1)

    def _right(self, output: Tensor, targets: Tensor) -> Tensor:
        if self.several:
            return (self.loss.predictions(output) == targets).all(1)
        if self.loss.class_dim is None:
            targets = targets[:, 0].long() if self._is_yes_or_no else targets.argmax(1)
        return self._read(output) == targets

    def _index(self, y: Array) -> Array:
        index = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        wrong = self.classes[index] != y
        if wrong.any():
            known = ", ".join(map(repr, self.classes[:5].tolist())) + (", …" if len(self.classes) > 5 else "")
            raise DataError(f"y has the label {y[wrong][:1].tolist()[0]!r}, which is none of the classes {known}")
        return index

    def _checked(self, y: Array) -> Array:
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise DataError(f"y has the shape {y.shape}; expected a column for each of {len(self.classes)} labels")
        return y
