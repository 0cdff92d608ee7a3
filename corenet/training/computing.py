"""How a model's outputs are computed where they are measured: at once, unless somebody else says how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corenet.contracts.module import Module
from corenet.contracts.several import Tensors, each_of

Compute = Callable[[Module, Tensors], Any]  # of a model in evaluation mode, and of inputs; it returns the outputs


def at_once(model: Module, inputs: Tensors) -> Any:
    """Return the outputs of all inputs.

    >>> import corenet as cn, torch
    >>> at_once(cn.ReLU(), torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return model(*each_of(inputs))
