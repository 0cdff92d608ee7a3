"""What neither forward nor backward may change in place."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.errors import GradientError


class Untouched:
    """Tensors of a component, by name, and what they hold now.

    >>> import corenet as cn
    >>> x = torch.ones(2)
    >>> untouched = Untouched(cn.Tanh(), {"its input": x})
    >>> _ = x.mul_(2)
    >>> untouched.refuse_changes("forward")
    Traceback (most recent call last):
    corenet.errors.GradientError: Tanh(): forward changes its input in place; work on a copy
    """

    def __init__(self, subject: Module | Loss, tensors: Mapping[str, Tensor]) -> None:
        self.subject, self.tensors = subject, tensors
        self.before = {name: tensor.clone() for name, tensor in tensors.items()}

    def refuse_changes(self, method: str) -> None:
        """Raise if ``method``, which has run since, has changed one of them."""
        for name, old in self.before.items():
            new = self.tensors[name]
            if not torch.equal(old, new) and not torch.allclose(old, new, rtol=0, atol=0, equal_nan=True):
                raise GradientError(f"{self.subject!r}: {method} changes {name} in place; work on a copy")
