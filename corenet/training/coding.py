"""How targets code classes: found once from the targets of a training, and then used for every output and target."""

from __future__ import annotations

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.errors import DataError
from corenet.training.codings import Coding, Indices, OneHot, Probabilities, TwoValues, has_columns, is_real

ERROR_RATE = "error_rate"


def coding_of(
    targets: Tensor, output: Tensor, *others: Tensor, loss: Loss | None = None, metric: str = ERROR_RATE
) -> Coding:
    """Return how ``targets`` code the classes of a model with such an ``output``, and ``others`` as well.

    If all targets are one value, the other value that they might have had is looked up in ``others``.
    Integers are indices if the output has several columns for each of them: in its last dimension, or where the
    ``loss`` that the model is trained by has its classes. For such a loss, numbers in the shape of the output are
    probabilities. What is raised is about the ``metric`` that needs them.

    Raises:
        DataError: the targets are values, not classes, or those of ``others`` are none of their classes.

    >>> import torch
    >>> coding_of(torch.tensor([[-1.0], [1.0]]), torch.zeros(2, 1))
    TwoValues(low=-1.0, high=1.0)
    >>> coding_of(torch.tensor([0, 2, 1]), torch.zeros(3, 4))
    Indices(columns=4, in_column=False, dim=-1, ignored=None)
    """
    _refuse_several(metric, targets, *others)
    coding = (None if loss is None else _coding_by(loss, targets, output)) or _coding_of(targets, output, *others)
    if coding is None or not coding.covers(targets):
        raise _no_classes(metric, targets)
    if not all(map(coding.covers, others)):
        raise DataError(f"{metric}: the validation targets are other than the training targets, which are {coding}")
    return coding


def refuse_no_classes(*targets: Tensor, loss: Loss | None = None, metric: str = ERROR_RATE) -> None:
    """Raise :class:`~corenet.DataError` where it is sure, before there is an output, that these are no classes."""
    _refuse_several(metric, *targets)
    if any(map(is_real, targets)):
        coding_of(targets[0], targets[0], *targets[1:], loss=loss, metric=metric)


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
    if is_real(targets):
        return Probabilities(output.shape[dim], dim) if targets.shape == output.shape else None
    if targets.shape != (*output.shape[:dim], *output.shape[dim + 1 :]):
        return None
    return Indices(output.shape[dim], dim=dim, ignored=loss.ignore_index)


def _coding_of(targets: Tensor, output: Tensor, *others: Tensor) -> Coding | None:
    if not is_real(targets) and has_columns(output) and targets.shape in (output.shape[:-1], (*output.shape[:-1], 1)):
        return Indices(output.shape[-1], in_column=targets.shape != output.shape[:-1])
    if has_columns(targets):
        return OneHot(targets.shape[-1])
    return _two_values(targets, *others)


def _refuse_several(metric: str, *targets: Tensor | tuple[Tensor, ...]) -> None:
    for each in targets:
        if isinstance(each, tuple):
            raise DataError(
                f"{metric} reads one target a point, and the data has {len(each)}; "
                "measure them by a function of (output, target)"
            )


def _no_classes(metric: str, targets: Tensor) -> DataError:
    if not has_columns(targets) and bool((targets == targets.reshape(-1)[:1]).all()):
        return DataError(f"{metric} cannot tell the classes apart: every target is {targets.reshape(-1)[0].item():g}")
    return DataError(
        f"{metric} needs classes: targets of two values, a column for each class with a single 1, or integer "
        "indices where the output has a column for each class; of columns in another dimension, and of probabilities, "
        "a loss of classes must tell"
    )


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
