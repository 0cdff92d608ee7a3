"""Metrics of values: how far outputs are from their targets; and the loss itself."""

from __future__ import annotations

from math import nan, sqrt
from typing import ClassVar

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.metric import Metric, Reads
from corenet.errors import DTypeError, ShapeError


class Mean(Metric):
    """The mean of one value for each element; a subclass writes ``elements``."""

    def elements(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the value of each element."""
        raise NotImplementedError

    def reset(self) -> None:
        self._total, self._count = 0.0, 0

    def update(self, output: Tensor, target: Tensor) -> None:
        values = self.elements(output, target)
        self._total += values.sum().item()
        self._count += values.numel()

    def compute(self) -> float:
        return self._total / self._count if self._count else nan


class MeanLoss(Mean):
    """The loss that the model is trained by, on the data as it is after the epoch, in evaluation mode.

    It is the mean over the points; of data in pieces each piece weighs as much as it has points.

    >>> import torch
    >>> loss = MeanLoss()
    >>> loss(torch.tensor(0.5), torch.zeros(3))
    0.5
    """

    reads: ClassVar[Reads] = "losses"

    def elements(self, output: Tensor, target: Tensor) -> Tensor:
        return output.double().expand(len(target))


class MAE(Mean):
    """Mean absolute error, ``mean |x − t|``.

    >>> import torch
    >>> MAE()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    1.0
    """

    def elements(self, output: Tensor, target: Tensor) -> Tensor:
        return difference(self, output, target).abs()


class RMSE(Mean):
    """Root of the mean squared error, ``√(mean (x − t)²)``.

    >>> import torch
    >>> RMSE()(torch.tensor([1.0, 7.0]), torch.tensor([0.0, 0.0]))
    5.0
    """

    def elements(self, output: Tensor, target: Tensor) -> Tensor:
        return difference(self, output, target).square()

    def compute(self) -> float:
        return sqrt(super().compute())


class R2(Metric):
    """The coefficient of determination, ``1 − Σ (x − t)² / Σ (t − mean t)²``, averaged over the columns.

    As scikit-learn's ``r2_score``: 1 is perfect, 0 is the mean of the targets, of a single point it is NaN. A column
    whose targets are all the same counts as 1 if it is met exactly, else as 0.

    >>> import torch
    >>> R2()(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 6.0]))
    0.357...

    Reference for the sums in pieces: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", 1979.
    """

    larger_is_better: ClassVar[bool] = True

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that it is checked on: of one column and of several."""
        return [Case(shape=(4,)), Case(shape=(4, 3))]

    def reset(self) -> None:
        self._count = 0
        self._mean = self._residual = self._spread = torch.zeros((), dtype=torch.float64)

    def update(self, output: Tensor, target: Tensor) -> None:
        error = difference(self, output, target).reshape(len(target), -1).cpu()
        values = target.double().reshape(len(target), -1).cpu()
        known, count, mean = self._count, self._count + len(values), values.mean(0)
        apart = mean - self._mean
        self._residual = self._residual + error.square().sum(0)
        self._spread = self._spread + (values - mean).square().sum(0) + apart.square() * (known * len(values) / count)
        self._count, self._mean = count, self._mean + apart * (len(values) / count)

    def compute(self) -> float:
        if self._count < 2:
            return nan
        share = self._residual / self._spread
        exact = (self._residual == 0).double()
        return share.neg().add(1).where(self._spread > 0, exact).mean().item()


def difference(metric: Metric, output: Tensor, target: Tensor) -> Tensor:
    """Return ``output − target`` in float64; their shapes must be equal, as (N,) against (N, 1) would be all pairs."""
    for value in (output, target):
        if not isinstance(value, Tensor):
            name, found = type(metric).__name__, type(value).__name__
            raise DTypeError(f"{name} takes one output and one target, not {found}; use a function")
    if output.shape != target.shape:
        raise ShapeError(type(metric).__name__, output.shape, f"expected the targets' shape {tuple(target.shape)}")
    return output.double() - target.double()
