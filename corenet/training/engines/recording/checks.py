"""The loss's look at the outputs of many steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.several import Tensors
from corenet.errors import CorenetError
from corenet.training.finite import check_both


def check_all(loss: Loss, predictions: Tensors, targets: Tensors) -> None:
    """Let the loss check the outputs of many steps, in rows: at once if it looks at points alone.

    Raises:
        CorenetError: what the loss raises for the first batch that it refuses.
    """
    if loss.checks_points_alone and isinstance(predictions, Tensor) and isinstance(targets, Tensor):
        with suppress(CorenetError):
            check_both(loss, predictions.flatten(0, 1), targets.flatten(0, 1))
            return
    for batch in zip(_turns(predictions), _turns(targets), strict=True):
        check_both(loss, *batch)


def _turns(tensors: Tensors) -> Iterator[Tensors]:
    return zip(*tensors, strict=True) if isinstance(tensors, tuple) else iter(tensors)
