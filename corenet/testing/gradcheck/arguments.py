"""The inputs of a component in float64, by the names that messages use, and which of them have a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, signature

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.several import Tensors, each_of, mapped

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Arguments:
    """Copies of what a component is called with.

    ``given`` are the arguments, ``tensors`` has each tensor among them by its name, and ``differentiable`` those that
    ``backward`` returns a gradient of. A target and integers have none.

    >>> import corenet as cn
    >>> arguments = Arguments(cn.MSELoss(), [torch.ones(2), torch.ones(2)])
    >>> list(arguments.tensors), list(arguments.differentiable)
    (['input', 'target'], ['input'])
    """

    def __init__(self, subject: Module | Loss, inputs: Sequence[Tensors]) -> None:
        self.given = [mapped(lambda tensor: as_double(tensor.detach()), each) for each in inputs]
        if isinstance(subject, Loss):
            input, target = self.given
            outputs, targets = _numbered("input", input), _numbered("target", target)
        else:
            tensors = [tensor for each in self.given for tensor in each_of(each)]
            outputs, targets = dict(zip(input_names(subject, len(tensors)), tensors, strict=True)), {}
        self.asked = list(outputs)  # for each of which backward returns something
        self.tensors = {**outputs, **targets}
        self.differentiable = {name: tensor for name, tensor in outputs.items() if tensor.is_floating_point()}


def input_names(module: Module, count: int) -> list[str]:
    """Return a name for each of ``count`` inputs: ``input`` for the only one, or what ``forward`` calls it.

    >>> class Scores(Module):
    ...     def forward(self, query, key): ...
    >>> input_names(Scores(), 1), input_names(Scores(), 2), input_names(Scores(), 3)
    (['input'], ['query', 'key'], ['input 0', 'input 1', 'input 2'])
    """
    if count == 1:
        return ["input"]
    named = [name for name, each in signature(module.forward).parameters.items() if each.kind in POSITIONAL][:count]
    parameters = {name for name, _ in module.named_parameters()}
    if len(named) < count or parameters & set(named):
        return [f"input {place}" for place in range(count)]
    return named


def as_double(tensor: Tensor) -> Tensor:
    """Return a float64 copy with the same strides, so that a strided input is checked as one; integers stay such."""
    if not tensor.is_floating_point():
        return tensor.clone()
    if _overlaps(tensor):  # its elements share memory and cannot be moved one by one
        return tensor.double().contiguous()
    copy_ = torch.empty_strided(tensor.shape, tensor.stride(), dtype=torch.float64, device=tensor.device)
    return copy_.copy_(tensor)


def _overlaps(tensor: Tensor) -> bool:
    """Tell whether the tensor has more elements than places in memory, as expanded and unfolded ones do."""
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.numel() > reach + 1


def _numbered(name: str, value: Tensors) -> dict[str, Tensor]:
    return {f"{name} {place}": each for place, each in enumerate(value)} if isinstance(value, tuple) else {name: value}
