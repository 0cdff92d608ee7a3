"""The ways in which targets code classes, and what an output is read as in each of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


class Coding:
    """A way to code classes in targets, and to read them from outputs.

    ``dim`` is the dimension of an output that has a column for each class, where it has one.
    """

    dim: int = -1

    @property
    def count(self) -> int:
        """How many classes there are, those that no target is among them."""
        raise NotImplementedError

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
    def count(self) -> int:
        return 2

    @property
    def middle(self) -> float:
        """The midpoint, which belongs to the lower class."""
        return (self.low + self.high) / 2

    def covers(self, targets: Tensor) -> bool:
        return not has_columns(targets) and bool(((targets == self.low) | (targets == self.high)).all())

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

    @property
    def count(self) -> int:
        return self.columns

    def covers(self, targets: Tensor) -> bool:
        return has_columns(targets) and targets.shape[-1] == self.columns and _is_one_hot(targets)

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
        return is_real(targets) and targets.dim() > self.dim and targets.shape[self.dim] == self.columns


@dataclass(frozen=True)
class Indices(Coding):
    """The index of the class, alone or in a column; the output has a column for each, and the largest is its class.

    Targets of the index ``ignored`` are no class, and count for nothing.
    """

    columns: int
    in_column: bool = False
    dim: int = -1
    ignored: int | None = None

    @property
    def count(self) -> int:
        return self.columns

    def covers(self, targets: Tensor) -> bool:
        return not is_real(targets) and bool((self._in_range(targets) | self._is_ignored(targets)).all())

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


def has_columns(targets: Tensor) -> bool:
    """Tell whether the last dimension has more than one place."""
    return targets.dim() > 1 and targets.shape[-1] > 1


def is_real(targets: Tensor) -> bool:
    """Tell whether these are no integers."""
    return targets.is_floating_point() or targets.is_complex()


def _is_one_hot(targets: Tensor) -> bool:
    ones, zeros = (targets == 1).sum(-1), (targets == 0).sum(-1)
    return bool((ones == 1).all()) and bool((zeros == targets.shape[-1] - 1).all())


def _index(output: Tensor, predicted: Tensor, dim: int) -> Tensor:
    """Return the index of the class of each point: what the loss predicts if that is one number a point."""
    return predicted if predicted.dim() < output.dim() else output.argmax(dim)
