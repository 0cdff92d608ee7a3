"""The plain step: one step of training, in the order of a textbook.

It is the specification. Every faster way to run a step must agree with it.
"""

from __future__ import annotations

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.penalties import collected, with_penalties
from corenet.contracts.several import Tensors
from corenet.training.finite import refuse_non_finite, value_of
from corenet.training.ownership import refuse_foreign_optimizer_once


def train_step(model: Module, loss: Loss, optimizer: Optimizer, input: Tensors, target: Tensors) -> Tensor:
    """Do one step of training on one batch and return the loss before it.

    A tuple ``input`` is one input of the model each; a tuple ``target`` is handed to the loss as it is.

    Raises:
        NonFiniteError: the loss or a gradient is infinite or not a number; no weight has been written.
        StructureError: the optimizer was made for the parameters of another model.

    >>> import corenet as cn
    >>> model, data = cn.Sequential(cn.Linear(2, 1)), cn.data.disk(100, seed=0)
    >>> optimizer = cn.SGD(model.parameters(), lr=0.1)
    >>> before = train_step(model, cn.MSELoss(), optimizer, data.inputs, data.targets)
    >>> after = cn.MSELoss()(model(data.inputs), data.targets)
    >>> bool(after < before)
    True
    """
    refuse_foreign_optimizer_once(model, loss, optimizer)
    value = gradients(model, loss, optimizer, input, target)
    refuse_non_finite(model, optimizer, value)
    optimizer.step()
    return value


def gradients(model: Module, loss: Loss, optimizer: Optimizer, input: Tensors, target: Tensors) -> Tensor:
    """Compute the gradient of every parameter on one batch, in its ``.grad``, and return the loss."""
    optimizer.zero_grad()
    try:
        with collected() as penalties:
            prediction = model(*input) if isinstance(input, tuple) else model(input)
        value = with_penalties(value_of(loss, prediction, target), penalties)
        backward_parameters(model, loss.backward())  # backward, less the gradient of the data, which nobody needs
    except BaseException:
        model.forget()  # so that the next batch may be a better one
        raise
    return value


def backward_parameters(model: Module, gradients: Tensors) -> None:
    """Do the parameter half of a model's backward, by the gradient of its output, or of each of its outputs."""
    if isinstance(gradients, tuple):
        model.backward_parameters(*gradients)
    else:
        model.backward_parameters(gradients)
