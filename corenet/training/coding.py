"""How targets code classes: found once from the targets of a training, and then used for every output and target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.errors import DataError


class Coding:
    """A way to code classes in targets, and to read them from outputs.

    ``dim`` is the dimension of an output that has a column for each class, where it has one.
    """

    dim: int = -1

    def covers(self, targets: Tensor) -> bool:
        """Tell whether each of ``targets`` is a class of this coding."""
        raise NotImplementedError

    def output_shape(self, targets: Tensor) -> tuple[int, ...]:
        """Return the shape that the output for ``targets`` has."""
        raise NotImplementedError

    def classes(self, targets: Tensor) -> Tensor:
        """Return the class that each target is."""
        raise NotImplementedError

    def judged(self, targets: Tensor) -> Tensor | None:
        """Return which of the classes of ``targets`` count; None if all do."""
        return None

    def read(self, output: Tensor, predicted: Tensor) -> Tensor:
        """Return the class that each output is read as; ``predicted`` is what the loss makes of it."""
        raise NotImplementedError

    def right(self, output: Tensor, predicted: Tensor, classes: Tensor) -> Tensor:
        """Return for each of ``classes`` whether the output is read as it; NaN is read as none."""
        return (self.read(output, predicted) == classes) & ~output.isnan().any(self.dim)


@dataclass(frozen=True)
class TwoValues(Coding):
    """Two values, such as 0 and 1 or −1 and 1: a number belongs to the class on its side of their midpoint."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The midpoint, which belongs to the lower class."""
        return (self.low + self.high) / 2

    def covers(self, targets: Tensor) -> bool:
        return not _has_columns(targets) and bool(((targets == self.low) | (targets == self.high)).all())

    def output_shape(self, targets: Tensor) -> tuple[int, ...]:
        return tuple(targets.shape)

    def classes(self, targets: Tensor) -> Tensor:
        return targets > self.middle

    def read(self, output: Tensor, predicted: Tensor) -> Tensor:
        return predicted > self.middle

    def right(self, output: Tensor, predicted: Tensor, classes: Tensor) -> Tensor:
        return torch.where(classes, predicted > self.middle, predicted <= self.middle)  # NaN is neither


@dataclass(frozen=True)
class OneHot(Coding):
    """A column for each class, with a single one among zeros: the class of an output is its largest column."""

    columns: int

    def covers(self, targets: Tensor) -> bool:
        return _has_columns(targets) and targets.shape[-1] == self.columns and _is_one_hot(targets)

    def output_shape(self, targets: Tensor) -> tuple[int, ...]:
        return tuple(targets.shape)

    def classes(self, targets: Tensor) -> Tensor:
        return targets.argmax(self.dim)

    def read(self, output: Tensor, predicted: Tensor) -> Tensor:
        return _index(output, predicted, self.dim)


@dataclass(frozen=True)
class Probabilities(OneHot):
    """A probability for each class, in a column for each: the class is the most probable one, the first of several."""

    dim: int = 1

    def covers(self, targets: Tensor) -> bool:
        return _is_real(targets) and targets.dim() > self.dim and targets.shape[self.dim] == self.columns


@dataclass(frozen=True)
class Indices(Coding):
    """The index of the class, alone or in a column; the output has a column for each, and the largest is its class.

    Targets of the index ``ignored`` are no class, and count for nothing.
    """

    columns: int
    in_column: bool = False
    dim: int = -1
    ignored: int | None = None

    def covers(self, targets: Tensor) -> bool:
        return not _is_real(targets) and bool((self._in_range(targets) | self._is_ignored(targets)).all())

    def output_shape(self, targets: Tensor) -> tuple[int, ...]:
        shape = list(self.classes(targets).shape)
        shape.insert(self.dim % (len(shape) + 1), self.columns)
        return tuple(shape)

    def classes(self, targets: Tensor) -> Tensor:
        return targets.squeeze(-1) if self.in_column else targets

    def judged(self, targets: Tensor) -> Tensor | None:
        ignored = self._is_ignored(self.classes(targets))
        return ~ignored if bool(ignored.any()) else None

    def read(self, output: Tensor, predicted: Tensor) -> Tensor:
        return _index(output, predicted, self.dim)

    def _in_range(self, targets: Tensor) -> Tensor:
        return (targets >= 0) & (targets < self.columns)

    def _is_ignored(self, targets: Tensor) -> Tensor:
        return torch.zeros_like(targets, dtype=torch.bool) if self.ignored is None else targets.long() == self.ignored


def coding_of(targets: Tensor, output: Tensor, *others: Tensor, loss: Loss | None = None) -> Coding:
    """Return how ``targets`` code the classes of a model with such an ``output``, and ``others`` as well.

    If all targets are one value, the other value that they might have had is looked up in ``others``.
    Integers are indices if the output has several columns for each of them: in its last dimension, or where the
    ``loss`` that the model is trained by has its classes. For such a loss, numbers in the shape of the output are
    probabilities.

    Raises:
        DataError: the targets are values, not classes, or those of ``others`` are none of their classes.

    >>> coding_of(torch.tensor([[-1.0], [1.0]]), torch.zeros(2, 1))
    TwoValues(low=-1.0, high=1.0)
    >>> coding_of(torch.tensor([0, 2, 1]), torch.zeros(3, 4))
    Indices(columns=4, in_column=False, dim=-1, ignored=None)
    """
    coding = (None if loss is None else _coding_by(loss, targets, output)) or _coding_of(targets, output, *others)
    if coding is None or not coding.covers(targets):
        raise _no_classes(targets)
    if not all(map(coding.covers, others)):
        raise DataError(f"error_rate: the validation targets are other than the training targets, which are {coding}")
    return coding


def refuse_no_classes(*targets: Tensor, loss: Loss | None = None) -> None:
    """Raise :class:`~corenet.DataError` where it is sure, before there is an output, that these are no classes."""
    if any(map(_is_real, targets)):
        coding_of(targets[0], targets[0], *targets[1:], loss=loss)


def are_classes(*targets: Tensor, loss: Loss | None = None) -> bool:
    """Tell whether these may be classes, as far as that can be told before there is an output."""
    try:
        refuse_no_classes(*targets, loss=loss)
    except DataError:
        return False
    return True


def _coding_by(loss: Loss, targets: Tensor, output: Tensor) -> Coding | None:
    """Return the coding that a loss calls for which has a dimension of classes; None if these targets are none of its.

    A model with such an output may have columns of that number in two dimensions: which are the classes, it knows.
    """
    dim = loss.class_dim
    if dim is None or output.dim() <= dim or output.shape[dim] < 2:
        return None
    if _is_real(targets):
        return Probabilities(output.shape[dim], dim) if targets.shape == output.shape else None
    if targets.shape != (*output.shape[:dim], *output.shape[dim + 1 :]):
        return None
    return Indices(output.shape[dim], dim=dim, ignored=loss.ignore_index)


def _coding_of(targets: Tensor, output: Tensor, *others: Tensor) -> Coding | None:
    if not _is_real(targets) and _has_columns(output) and targets.shape in (output.shape[:-1], (*output.shape[:-1], 1)):
        return Indices(output.shape[-1], in_column=targets.shape != output.shape[:-1])
    if _has_columns(targets):
        return OneHot(targets.shape[-1])
    return _two_values(targets, *others)


def _no_classes(targets: Tensor) -> DataError:
    if not _has_columns(targets) and bool((targets == targets.reshape(-1)[:1]).all()):
        return DataError(f"error_rate cannot tell the classes apart: every target is {targets.reshape(-1)[0].item():g}")
    return DataError(
        "error_rate needs classes: targets of two values, a column for each class with a single 1, or integer "
        "indices where the output has a column for each class; of columns in another dimension, and of probabilities, "
        "a loss of classes must tell"
    )


def _has_columns(targets: Tensor) -> bool:
    return targets.dim() > 1 and targets.shape[-1] > 1


def _two_values(targets: Tensor, *others: Tensor) -> TwoValues | None:
    """Return the least and the largest of the targets as the two values."""
    if targets.is_complex() or targets.numel() == 0:
        return None
    low, high = _bounds(targets)
    if low == high and others:
        bounds = [bound for each in (targets, *others) for bound in _bounds(each)]  # of a data set of one class
        low, high = min(bounds), max(bounds)
    if low < high:
        return TwoValues(low, high)
    return {0.0: TwoValues(0.0, 1.0), 1.0: TwoValues(0.0, 1.0), -1.0: TwoValues(-1.0, 1.0)}.get(low)


def _bounds(targets: Tensor) -> tuple[float, float]:
    low, high = targets.aminmax()
    return float(low), float(high)


def _is_one_hot(targets: Tensor) -> bool:
    ones, zeros = (targets == 1).sum(-1), (targets == 0).sum(-1)
    return bool((ones == 1).all()) and bool((zeros == targets.shape[-1] - 1).all())


def _is_real(targets: Tensor | tuple[Tensor, ...]) -> bool:
    if isinstance(targets, tuple):
        raise DataError(
            f"error_rate reads one target a point, and the data has {len(targets)}; write a metric for them"
        )
    return targets.is_floating_point() or targets.is_complex()


def _index(output: Tensor, predicted: Tensor, dim: int) -> Tensor:
    """Return the index of the class of each point: what the loss predicts if that is one number a point."""
    return predicted if predicted.dim() < output.dim() else output.argmax(dim)
