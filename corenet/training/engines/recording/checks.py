"""The loss's look at the outputs of many steps."""

from __future__ import annotations

from contextlib import suppress

from torch import Tensor

from corenet.contracts.elementwise_loss import ElementwiseLoss
from corenet.contracts.loss import Loss
from corenet.errors import CorenetError


def check_all(loss: Loss, predictions: Tensor, targets: Tensor, batch_size: int) -> None:
    """Let the loss check the outputs of many steps: at once if it looks at elements, and if that is enough for it.

    Raises:
        CorenetError: what the loss raises for the first batch that it refuses.
    """
    if isinstance(loss, ElementwiseLoss):
        with suppress(CorenetError):
            loss.check(predictions.flatten(0, 1), targets)
            return
    for batch in zip(predictions, targets.split(batch_size), strict=True):
        loss.check(*batch)
