"""The plain step: one step of training, in the order of a textbook.

It is the specification. Every faster way to run a step must agree with it.
"""

from __future__ import annotations

import math

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import gradient
from corenet.errors import NonFiniteError, RangeError


def train_step(model: Module, loss: Loss, optimizer: Optimizer, input: Tensor, target: Tensor) -> Tensor:
    """Do one step of training on one batch and return the loss before it.

    Raises:
        NonFiniteError: the loss or a gradient is infinite or not a number; no weight has been written.

    >>> import corenet as cn
    >>> model, data = cn.Sequential(cn.Linear(2, 1)), cn.data.disk(100, seed=0)
    >>> optimizer = cn.SGD(model.parameters(), lr=0.1)
    >>> before = train_step(model, cn.MSELoss(), optimizer, data.inputs, data.targets)
    >>> after = cn.MSELoss()(model(data.inputs), data.targets)
    >>> bool(after < before)
    True
    """
    optimizer.zero_grad()
    prediction = model(input)
    value = value_of(loss, prediction, target)
    model.backward_parameters(loss.backward())  # backward, less the gradient of the data, which nobody needs
    refuse_non_finite(model, optimizer, value)
    optimizer.step()
    return value


def value_of(loss: Loss, prediction: Tensor, target: Tensor) -> Tensor:
    """Return ``loss(prediction, target)``; say so if it is refused because the model's output is not finite."""
    try:
        return loss(prediction, target)
    except RangeError as error:
        if prediction.isfinite().all():
            raise
        raise NonFiniteError("the model's output is not finite; lower lr or look at the data") from error


def refuse_non_finite(model: Module, optimizer: Optimizer, value: Tensor) -> None:
    """Raise :class:`~corenet.NonFiniteError` unless the loss and every gradient are finite.

    A sum is not finite if one of its terms is not, and costs one operation; only then
    is each gradient looked at, as a sum of finite terms may overflow too.
    """
    sums = [gradient.sum().item() for gradient in (*optimizer.gradients(), value)]
    if all(map(math.isfinite, sums)):
        return
    loss = value.mean().item()
    module = _first_non_finite(model)
    if module is not None:
        raise NonFiniteError(
            f"the gradient of {module} is not finite (loss {loss:g}); no weight was written: "
            "lower lr or look at the data",
            loss=loss,
            module=module,
        )
    if not math.isfinite(loss):
        raise NonFiniteError(f"the loss is {loss:g}; no weight was written: lower lr or look at the data", loss=loss)


def _first_non_finite(model: Module) -> str | None:
    """Return the first module, in backward order, with a parameter whose gradient is not finite."""
    for path, module in reversed(list(model.named_modules())):
        for name, parameter in module.named_parameters():
            if not gradient(parameter).isfinite().all():
                return f"{name} of [{path}] {module!r}" if path else f"{name} of {module!r}"
    return None
