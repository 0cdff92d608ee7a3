"""Dropout, in its inverted form: the scaling is done in training, inference is free."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.module import Module
from corenet.errors import ConfigError


class Dropout(Module):
    r"""Set each element to zero with probability p, in training: ``y = x · m / (1 − p)``.

    The mask ``m ~ Bernoulli(1 − p)`` is drawn anew in each forward, from torch's
    generator; the expectation of ``y`` is ``x``. The derivative uses the same mask,
    ``dx = dy · m / (1 − p)``. In evaluation mode the input itself is returned.
    With p = 1 the output is zero whatever the input.

    Args:
        p: probability of an element to be dropped, in [0, 1].

    Shape: any, unchanged.

    Raises:
        ConfigError: ``p`` is not a number in [0, 1].

    >>> dropout = Dropout(0.5)
    >>> output = dropout(torch.ones(1000))
    >>> output.unique()
    tensor([0., 2.])
    >>> bool((dropout.backward(torch.ones(1000)) == output).all())
    True
    >>> dropout.eval()(torch.ones(2))
    tensor([1., 1.])

    Reference: N. Srivastava et al., "Dropout: a simple way to prevent neural networks
    from overfitting", JMLR 15, 2014.
    """

    def __init__(self, p: float = 0.5) -> None:
        if not isinstance(p, (int, float)) or not 0 <= p <= 1:  # false for NaN too
            raise ConfigError(f"Dropout: p must be a number in [0, 1], not {p!r}", name="p", value=p)
        self.p = p

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: no, some and every element dropped."""
        return [Case({"p": p}, (5, 3)) for p in (0.0, 0.3, 0.5, 1.0)]

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input
        keep = 1 - self.p
        if keep == 0:
            self.save(torch.zeros_like(input))
            return torch.zeros_like(input)
        scale = torch.empty_like(input).bernoulli_(keep).div_(keep)
        self.save(scale)
        return input * scale

    def backward(self, grad_output: Tensor) -> Tensor:
        if not self.training:
            return grad_output
        (scale,) = self.saved()
        return grad_output * scale

    def check(self, input: Tensor) -> None:
        self.check_floating(input)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.p:g})"
