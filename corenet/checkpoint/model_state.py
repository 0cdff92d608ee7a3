"""What a model is besides its modules and tensors: weights that are tied, modules that are frozen or evaluate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from corenet.checkpoint.arguments import NotKeptError
from corenet.contracts.module import Module
from corenet.contracts.parameter import Buffer, Parameter
from corenet.contracts.tree import Tree


def tied(model: Tree[Any]) -> dict[str, str]:
    """Return the first name of each tensor that has several, by the others.

    Raises:
        NotKeptError: one of them is in a list, tuple or dict.

    >>> import corenet as cn
    >>> a, b = cn.Linear(2, 2), cn.Linear(2, 2)
    >>> b.weight = a.weight
    >>> tied(cn.Sequential(a, b))
    {'1.weight': '0.weight'}
    """
    first: dict[int, str] = {}
    found: dict[str, str] = {}
    for path, node in model.named_modules():
        for name, value in node.named_members():
            if isinstance(value, (Parameter, Buffer)):
                whole = f"{path}.{name}" if path else name
                if first.setdefault(id(value), whole) != whole:
                    if "." in name:
                        raise NotKeptError(f"{whole} is tied to {first[id(value)]} and is in a container")
                    found[whole] = first[id(value)]
    return found


def tie(model: Tree[Any], names: dict[str, str]) -> None:
    """Let each tensor be the very one that :func:`tied` named."""
    nodes = dict(model.named_modules())
    for name, first in names.items():
        (path, _, attribute), (other, _, source) = name.rpartition("."), first.rpartition(".")
        if attribute not in vars(nodes[path]):
            raise ValueError(f"it ties {name!r}, which there is not")
        setattr(nodes[path], attribute, dict(nodes[other].named_members())[source])


def modes_of(model: Module) -> dict[str, list[str]]:
    """Return the paths of the modules that are frozen, and of those that evaluate."""
    modules = dict(model.named_modules())
    return {
        "frozen": [path for path, each in modules.items() if each.frozen],
        "evaluating": [path for path, each in modules.items() if not each.training and not each.frozen],
    }


def set_modes(model: Module, frozen: list[str], evaluating: list[str]) -> None:
    """Let each module be as :func:`modes_of` told, from the whole to the parts."""
    for path, module in model.named_modules():
        if module.frozen != (path in frozen):
            module.freeze() if path in frozen else module.unfreeze()
        if not module.frozen and module.training == (path in evaluating):
            module.train(path not in evaluating)


def take_dtypes(tree: Tree[Any], state: dict[str, Tensor]) -> None:
    """Convert each tensor to the dtype that it has in ``state``."""
    for name, tensor in tree.named_tensors():
        if name in state and tensor.dtype != state[name].dtype:
            tensor.data = tensor.data.to(state[name].dtype)
            if tensor.grad is not None:
                tensor.grad = None
                tensor.grad = torch.zeros_like(tensor)
