"""Permutation importance: how much worse a model is where a column tells it nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import torch
from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.data import Dataset, stream
from corenet.errors import ShapeError
from corenet.integers import positive_integer
from corenet.training.mean_loss import mean_loss


@dataclass(frozen=True)
class Importance:
    """By how much the loss grew, in the mean over the repeats, where the rows of ``column`` were permuted."""

    column: str
    increases: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean increase; below zero where the model does better without the column."""
        return mean(self.increases)

    @property
    def std(self) -> float:
        """The sample standard deviation over the repeats; 0 for a single one."""
        return stdev(self.increases) if len(self.increases) > 1 else 0.0


def permutation_importance(
    model: Module, loss: Loss, data: Dataset, columns: Mapping[str, Sequence[int]], repeats: int = 5, seed: int = 0
) -> list[Importance]:
    r"""Return for each column ``E[L(f(X_π), y)] − L(f(X), y)``, the largest first.

    ``X_π`` is ``X`` with the inputs of the column permuted over the rows, all of them together: a category keeps its
    one-hot form. The permutations are the same for each column. The model is in evaluation mode, and unchanged.

    Args:
        model: the model; its weights stay what they are.
        loss: what it was trained by.
        data: inputs ``(N, features)`` and targets that nothing was learnt from, in general the test part.
        columns: the places of the inputs that each column has.
        repeats: how many permutations.
        seed: what they are drawn from.

    Raises:
        ShapeError: the inputs are no rows of numbers.
        ConfigError: ``repeats`` is not a positive integer.

    Reference: Breiman, "Random Forests", 2001, section 10.

    >>> import corenet as cn
    >>> data = cn.data.Dataset(torch.tensor([[0.0, 5.0], [1.0, 5.0], [2.0, 6.0]]), torch.tensor([[0.0], [1.0], [2.0]]))
    >>> first = cn.Linear(2, 1, init="zeros")
    >>> first.weight[0, 0] = 1.0  # the output is the first input
    >>> found = permutation_importance(first, cn.MSELoss(), data, {"used": [0], "unused": [1]})
    >>> [(each.column, each.mean > 0) for each in found]
    [('used', True), ('unused', False)]
    """
    inputs = data.inputs
    if not isinstance(inputs, Tensor) or inputs.dim() != 2:
        raise ShapeError("permutation_importance", getattr(inputs, "shape", ()), "expected inputs (N, features)")
    positive_integer("repeats", repeats)
    generator = torch.Generator().manual_seed(stream("importance", seed))
    orders = [torch.randperm(len(data), generator=generator).to(inputs.device) for _ in range(repeats)]
    with evaluating(model):
        before = _loss(model, loss, inputs, data.targets)

        def increase(places: Tensor, order: Tensor) -> float:
            permuted = inputs.clone()
            permuted[:, places] = inputs[order][:, places]
            return _loss(model, loss, permuted, data.targets) - before

        found = []
        for column, places in columns.items():
            of_column = torch.as_tensor(places, device=inputs.device)
            found.append(Importance(column, tuple(increase(of_column, order) for order in orders)))
    return sorted(found, key=lambda each: -each.mean)


def _loss(model: Module, loss: Loss, inputs: Tensor, targets: Tensor) -> float:
    return mean_loss(loss, model(inputs), targets).item()
