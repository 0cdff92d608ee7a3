"""The next step of a training, looked at without being done."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.several import Tensors, each_of
from corenet.errors import ConfigError
from corenet.report.trace.step_trace import StepTrace, trace_step
from corenet.training.arguments import refuse_other_kinds
from corenet.training.fit import begin
from corenet.training.ownership import refuse_foreign_optimizer


def trace(model: Module, loss: Loss, optimizer: Optimizer, input: Tensors, target: Tensors) -> StepTrace:
    """Return the step that :func:`~corenet.train_step` would do now, layer by layer, each gradient verified.

    At any moment of a training, with a model that has been trained too; the step is one in training mode, in whichever
    the model is. Model, loss, optimizer and torch's generators are left as they are, bit for bit: a copy does the step,
    with the random numbers that are next. Gradients are held against central differences, at some elements of each
    tensor.

    Args:
        model, loss, optimizer: as :func:`~corenet.train_step` takes them.
        input, target: a batch; of a few points, so that ``numbers()`` has room for all of them.

    Returns:
        The trace. Printed, it is a table of each pass, with shapes and norms, and in a notebook a page;
        ``print(traced.numbers())`` has the numbers themselves beside the formulas; ``traced.to_dict()`` all that is
        known as plain values; ``traced.ok`` is whether no gradient is wrong.

    Raises:
        ConfigError: an argument is of another kind.
        StructureError: the model has no layer, or the optimizer was made for another model.
        NonFiniteError: the loss or a gradient is infinite or not a number.
        ShapeError, DTypeError: the batch does not suit the model, or the loss.

    >>> import corenet as cn
    >>> model = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))
    >>> data, optimizer = cn.data.disk(100, seed=0), cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> history = cn.fit(model, cn.MSELoss(), optimizer, data, epochs=5, batch_size=10, progress=False)
    >>> traced = cn.trace(model, cn.MSELoss(), optimizer, data.inputs[:4], data.targets[:4])
    >>> traced.ok, traced.layers[0].output.shape
    (True, (4, 3))

    Reference: D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors",
    Nature 323, 1986.
    """
    refuse_other_kinds("trace", (model, Module), (loss, Loss), (optimizer, Optimizer))
    refuse_foreign_optimizer(model, loss, optimizer)
    for name, given in (("input", input), ("target", target)):
        if not all(isinstance(each, Tensor) for each in each_of(given)):
            text = f"trace: {name} must be a tensor, or a tuple of tensors, not {given!r:.80}"
            raise ConfigError(text, name=name, value=given)
    model, loss, optimizer = copy.deepcopy((model, loss, optimizer))
    begin(model)
    device = each_of(input)[0].device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        return trace_step(model, loss, optimizer, input, target)
