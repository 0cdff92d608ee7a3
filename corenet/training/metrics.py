"""How good a model is: predictions and error rates, always in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from corenet.contracts.module import Module, evaluating
from corenet.data import Dataset
from corenet.errors import DataError, ShapeError


def predict(model: Module, inputs: Tensor | Dataset) -> Tensor:
    """Return the model's output in evaluation mode, leaving each module in the mode it was in.

    >>> import corenet as cn
    >>> predict(cn.Sequential(cn.Dropout(1.0)), cn.data.disk(3, seed=0)).shape
    torch.Size([3, 2])
    """
    with evaluating(model):
        return model(inputs.inputs if isinstance(inputs, Dataset) else inputs)


def error_rate(model: Module, data: Dataset) -> float:
    """Return the fraction of points, in [0, 1], that the model puts in the wrong class.

    One output column is read by the midpoint of the two target values (0 and 1, or −1
    and 1), several columns by the largest.

    Raises:
        ShapeError: the output and the targets differ in shape.
        DataError: the one column of targets has more than two values, so there are no classes.

    >>> import corenet as cn, torch
    >>> data = cn.data.Dataset(torch.tensor([[0.2], [0.9]]), torch.tensor([[0.0], [0.0]]))
    >>> error_rate(cn.Sequential(), data)
    0.5
    """
    return wrong_against(data.targets)(predict(model, data))


def accuracy(model: Module, data: Dataset) -> float:
    """Return the fraction of points that the model puts in the right class: 1 − :func:`error_rate`."""
    return 1 - error_rate(model, data)


def wrong_against(targets: Tensor) -> Callable[[Tensor], float]:
    """Return the function that tells the fraction of an output's rows whose class is not that of ``targets``.

    >>> wrong_against(torch.tensor([[0.0], [1.0]]))(torch.tensor([[0.4], [torch.nan]]))
    0.5
    """
    read = _reader_of(targets)
    wanted = read(targets)
    several = wanted.shape != targets.shape

    def fraction(output: Tensor) -> float:
        if output.shape != targets.shape:
            raise ShapeError("error_rate", output.shape, f"expected the targets' shape {tuple(targets.shape)}")
        missing = output.isnan()  # which is no class
        wrong = (read(output) != wanted) | (missing.any(-1) if several else missing)
        return int(torch.count_nonzero(wrong)) / wrong.numel()

    return fraction


def classes(output: Tensor, targets: Tensor) -> Tensor:
    """Return the class of each row of ``output``, as ``targets`` code the classes."""
    return _reader_of(targets)(output)


def are_classes(targets: Tensor) -> bool:
    """Tell whether ``targets`` code classes: one column of two values, or several of zeros with a single one."""
    if _has_columns(targets):
        ones = (targets == 1).sum(-1)
        zeros = (targets == 0).sum(-1)
        return bool((ones == 1).all()) and bool((zeros == targets.shape[-1] - 1).all())
    if targets.numel() == 0:
        return False
    low, high = targets.aminmax()
    return bool(((targets == low) | (targets == high)).all())


def _has_columns(targets: Tensor) -> bool:
    return targets.dim() > 1 and targets.shape[-1] > 1


def _reader_of(targets: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the function that reads classes the way ``targets`` code them."""
    if not are_classes(targets):
        raise DataError("error_rate needs classes: a target column with two values, or one column for each class")
    if _has_columns(targets):
        return lambda output: output.argmax(-1)
    middle = _midpoint(targets)
    return lambda output: output > middle


def _midpoint(targets: Tensor) -> float:
    low, high = (bound.item() for bound in targets.aminmax())
    if {low, high} <= {0.0, 1.0}:  # also where only one of the classes occurs
        return 0.5
    if {low, high} <= {-1.0, 1.0}:
        return 0.0
    if low == high:
        raise DataError(f"error_rate cannot tell the classes apart: every target is {low:g}")
    return (low + high) / 2
