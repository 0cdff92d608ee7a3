"""Many models in one memory: the parameters of round r are row r of one tensor, its gradients of another.

Every tensor of every model stays the object it is. A view across the rows is one parameter of all models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter, gradient


class Stack:
    """The tensors of models that are alike, stacked; writing to either writes to both.

    >>> import corenet as cn
    >>> models = [cn.Linear(2, 1), cn.Linear(2, 1)]
    >>> stack = Stack(models)
    >>> stack.tensors["weight"].shape, stack.parameters.shape
    (torch.Size([2, 1, 2]), torch.Size([2, 3]))
    >>> _ = stack.parameters.fill_(7)
    >>> models[1].bias
    tensor([7.])
    """

    def __init__(self, models: Sequence[Module]) -> None:
        self.models = models
        named = [dict(model.named_tensors()) for model in models]
        trained = {name: tensor for name, tensor in named[0].items() if isinstance(tensor, Parameter)}
        self.parameters = _rows([[each[name] for name in trained] for each in named])
        self.gradients = _rows([[gradient(each[name]) for name in trained] for each in named])
        self.grads = _columns(self.gradients, trained)
        self.buffers = {name: _stacked([each[name] for each in named]) for name in named[0].keys() - trained.keys()}
        self.tensors = {**_columns(self.parameters, trained), **self.buffers}

    def release(self) -> None:
        """Give every tensor a memory of its own again; the stack is of no use after."""
        for model in self.models:
            for _, tensor in model.named_tensors():
                tensor.data = tensor.data.clone()
                if tensor.grad is not None:
                    tensor.grad.data = tensor.grad.data.clone()


def _rows(tensors: Sequence[Sequence[Tensor]]) -> Tensor:
    """Return a matrix with a row for each model, and move its tensors there."""
    matrix = torch.stack([torch.cat([tensor.reshape(-1) for tensor in each]) for each in tensors])
    for row, each in zip(matrix, tensors, strict=True):
        pieces = row.split([tensor.numel() for tensor in each])
        for tensor, piece in zip(each, pieces, strict=True):
            tensor.data = piece.view_as(tensor)
    return matrix


def _columns(matrix: Tensor, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the columns of each tensor of a model, in its shape, ``(rounds, …)``."""
    pieces = matrix.split([tensor.numel() for tensor in tensors.values()], 1)
    shapes = [(len(matrix), *tensor.shape) for tensor in tensors.values()]
    return {name: piece.view(shape) for name, piece, shape in zip(tensors, pieces, shapes, strict=True)}


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    stacked = torch.stack(list(tensors))
    for tensor, row in zip(tensors, stacked, strict=True):
        tensor.data = row
    return stacked
