"""What a network learns in the place of targets, and how good it is on rows that are kept from the training."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.callback import Callback, Training
from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.sklearn.rows import Rows

Array = np.ndarray[Any, Any]


class Coding(Protocol):
    """How targets are numbers, and what outputs say: see :class:`~corenet.sklearn.labels.Labels`."""

    @property
    def loss(self) -> Loss:
        """The loss that it is of."""
        ...

    @property
    def columns(self) -> int:
        """How many numbers the network gives for a row."""
        ...

    def targets(self, y: Array, dtype: torch.dtype) -> Tensor:
        """Return what the network is to learn."""
        ...

    def read(self, output: Tensor) -> Array:
        """Return what an output predicts."""
        ...

    def score(self, output: Tensor, targets: Tensor, weights: Tensor | None) -> float:
        """Return how good an output is; more is better."""
        ...


class Scores(Callback):
    """Notes the score on some rows after each epoch, in ``values``."""

    def __init__(self, coding: Coding, kept: Rows) -> None:
        self._coding, self._kept = coding, kept
        self.values: list[float] = []

    def after_epoch(self, training: Training) -> None:
        with evaluating(training.model):
            output = training.model(self._kept.inputs)
        self.values.append(self._coding.score(output, self._kept.targets, self._kept.weights))
