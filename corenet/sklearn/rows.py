"""The rows of a table as a training takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor

from corenet.data import Dataset
from corenet.errors import ConfigError, DataError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Rows:
    """Inputs, targets, and the weight of each row; None is 1 each."""

    inputs: Tensor
    targets: Tensor
    weights: Tensor | None = None

    def data(self) -> Dataset:
        """Return the rows as a data set; where they have weights, these are a second target."""
        return Dataset(self.inputs, self.targets if self.weights is None else (self.targets, self.weights))

    def counted(self) -> Rows:
        """Return the rows without those of weight 0, which leave every sum as it is but that of a batch of them.

        Raises:
            DataError: all are of weight 0.
        """
        if self.weights is None or bool((self.weights > 0).all()):
            return self
        if not bool((self.weights > 0).any()):
            raise DataError("sample_weight is 0 for every row, class_weight counted in; at least one must be above 0")
        return self._taken(self.weights > 0)

    def split(self, fraction: float, seed: int, *, stratified: bool) -> tuple[Rows, Rows]:
        """Return all but a random ``fraction`` of the rows, and that one.

        ``stratified``, each class has its part in both.

        Raises:
            ConfigError: one of the two would be empty.
        """
        size = round(len(self) * fraction) if 0 < fraction < 1 else 0
        if not 0 < size < len(self):
            text = f"validation_fraction: {fraction!r} of {len(self)} rows leaves one of the two parts empty"
            raise ConfigError(text, name="validation_fraction", value=fraction)
        classes = self.targets.numpy().reshape(len(self), -1) if stratified else None
        parts = train_test_split(np.arange(len(self)), test_size=fraction, random_state=seed, stratify=classes)
        learnt, kept = (self._taken(torch.from_numpy(part)) for part in parts)
        return learnt, kept

    def __len__(self) -> int:
        return len(self.targets)

    def _taken(self, index: Tensor) -> Rows:
        return Rows(self.inputs[index], self.targets[index], None if self.weights is None else self.weights[index])
