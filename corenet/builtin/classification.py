"""Metrics of classes, from the count of each class read as each; and the area under the ROC curve."""

from __future__ import annotations

from math import nan
from typing import ClassVar

import torch
from torch import Tensor

from corenet.builtin.metrics import Mean
from corenet.contracts.case import Case
from corenet.contracts.metric import Metric, Reads
from corenet.errors import ShapeError


class Accuracy(Mean):
    """The fraction of points in the right class, in [0, 1].

    >>> import torch
    >>> Accuracy()(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 2, 0]))
    0.75
    """

    reads: ClassVar[Reads] = "classes"
    larger_is_better: ClassVar[bool] = True

    def elements(self, output: Tensor, target: Tensor) -> Tensor:
        return (output == target).double()


class ErrorRate(Mean):
    """The fraction of points in the wrong class, in [0, 1].

    >>> import torch
    >>> ErrorRate()(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 2, 0]))
    0.25
    """

    reads: ClassVar[Reads] = "classes"

    def elements(self, output: Tensor, target: Tensor) -> Tensor:
        return (output != target).double()


class ConfusionMatrix(Metric):
    """How often each class (row) is read as each (column).

    A training, and :func:`~corenet.measure`, give it a row and a column for each class, those that do not occur too;
    by itself it has as many as it has met, and two at least.

    >>> import torch
    >>> ConfusionMatrix()(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 2, 0]))
    tensor([[1, 0, 1],
            [0, 1, 0],
            [0, 0, 1]])
    """

    reads: ClassVar[Reads] = "classes"
    is_number: ClassVar[bool] = False

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that it is checked on: two classes, and more."""
        return [Case(shape=(4,)), Case(shape=(4, 4), classes=4)]

    def reset(self) -> None:
        self.counts = torch.zeros(2, 2, dtype=torch.int64)

    def expect(self, classes: int) -> None:
        known = len(self.counts)
        if classes > known:
            counts = self.counts.new_zeros(classes, classes)
            counts[:known, :known] = self.counts
            self.counts = counts

    def update(self, output: Tensor, target: Tensor) -> None:
        if output.shape != target.shape:
            raise ShapeError(type(self).__name__, output.shape, f"expected the targets' shape {tuple(target.shape)}")
        if not target.numel():
            return
        places = torch.stack([target.reshape(-1), output.reshape(-1)]).long().cpu()
        self.expect(int(places.max()) + 1)
        classes = len(self.counts)
        counts = torch.bincount(places[0] * classes + places[1], minlength=classes**2)
        self.counts = self.counts + counts.view(classes, classes)

    def compute(self) -> Tensor | float:
        return self.counts.clone()


class OfEachClass(ConfusionMatrix):
    """A number of each class: of two classes that of the second, of more the mean over all that occur.

    As scikit-learn's with ``average="binary"`` and ``"macro"``; 0 / 0 is 0. A subclass writes ``ratio``.
    """

    larger_is_better: ClassVar[bool] = True
    is_number: ClassVar[bool] = True

    def ratio(self, right: Tensor, read: Tensor, given: Tensor) -> Tensor:
        """Return the number of each class: how often it was read rightly, read at all, and given as a target."""
        raise NotImplementedError

    def compute(self) -> float:
        counts = self.counts.double()
        right, read, given = counts.diagonal(), counts.sum(0), counts.sum(1)
        ratios = self.ratio(right, read, given).nan_to_num(0.0)
        if len(ratios) == 2:
            return ratios[1].item()
        return ratios[read + given > 0].mean().item()


class Precision(OfEachClass):
    """Of the points that are read as a class, the fraction that are of it, ``tp / (tp + fp)``.

    Of two classes it is that of the second, of more the mean over all that occur.

    >>> import torch
    >>> Precision()(torch.tensor([True, True, False, False]), torch.tensor([True, False, True, True]))
    0.5
    """

    def ratio(self, right: Tensor, read: Tensor, given: Tensor) -> Tensor:
        return right / read


class Recall(OfEachClass):
    """Of the points that are of a class, the fraction that are read as it, ``tp / (tp + fn)``.

    Of two classes it is that of the second, of more the mean over all that occur.

    >>> import torch
    >>> round(Recall()(torch.tensor([True, True, False, False]), torch.tensor([True, False, True, True])), 3)
    0.333
    """

    def ratio(self, right: Tensor, read: Tensor, given: Tensor) -> Tensor:
        return right / given


class F1(OfEachClass):
    """The harmonic mean of precision and recall, ``2 tp / (2 tp + fp + fn)``.

    Of two classes it is that of the second, of more the mean over all that occur.

    >>> import torch
    >>> F1()(torch.tensor([True, True, False, False]), torch.tensor([True, False, True, True]))
    0.4
    """

    def ratio(self, right: Tensor, read: Tensor, given: Tensor) -> Tensor:
        return 2 * right / (read + given)


class ROCAUC(Metric):
    """The area under the ROC curve: how likely a point of a class scores higher for it than one that is not of it.

    Of two classes it is that of the second, by any score that grows with its probability; of more the mean over the
    classes, each against the rest, by their probabilities. Ties count half. NaN where there is one class only.
    All scores are kept until the end.

    >>> import torch
    >>> ROCAUC()(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([False, False, True, True]))
    0.75

    Reference: J. Hanley, B. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143, 1982.
    """

    reads: ClassVar[Reads] = "scores"
    larger_is_better: ClassVar[bool] = True

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that it is checked on: two classes by one score, and more by one each."""
        return [Case(shape=(4,)), Case(shape=(4, 3), classes=3)]

    def reset(self) -> None:
        self._scores: list[Tensor] = []
        self._classes: list[Tensor] = []

    def update(self, output: Tensor, target: Tensor) -> None:
        columns = output.numel() // max(1, target.numel())
        if output.numel() != target.numel() * columns:
            raise ShapeError("ROCAUC", output.shape, f"expected a score, or one a class, for each of {target.numel()}")
        self._scores.append(output.to(torch.float64, copy=True).reshape(-1, columns))
        self._classes.append(target.to(torch.int64, copy=True).reshape(-1))

    def compute(self) -> float:
        if not self._scores:
            return nan
        scores, classes = torch.cat(self._scores), torch.cat(self._classes)
        if scores.shape[1] <= 2:
            return _area(scores[:, -1], classes == 1)
        areas = [_area(scores[:, each], classes == each) for each in range(scores.shape[1])]
        found = [area for area in areas if area == area]
        return sum(found) / len(found) if found else nan


def _area(scores: Tensor, positive: Tensor) -> float:
    """Return the fraction of pairs of a positive and another in which the positive scores higher."""
    _, place, counts = scores.unique(return_inverse=True, return_counts=True)
    ranks = counts.cumsum(0) - (counts - 1) / 2  # the mean rank of those that are equal, from 1
    above = ranks.double()[place][positive].sum()
    count, rest = int(positive.sum()), int((~positive).sum())
    if not count or not rest or bool(scores.isnan().any()):
        return nan
    return float(above - count * (count + 1) / 2) / (count * rest)
