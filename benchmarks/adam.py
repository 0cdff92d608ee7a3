"""Adam, as a reader of the documentation would write it: corenet has none of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

import corenet as cn


class Adam(cn.Optimizer):
    r"""Adam with PyTorch's defaults, and PyTorch's numbers.

    With ``g`` the gradient, at step t counted from 1::

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        w ← w − lr · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)

    The powers of β are remembered, in float64 because 1 − β₂ᵗ is small at first: a rule
    that computes nothing with the count of steps is one that an engine can record.

    >>> weight = cn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = Adam([weight], lr=0.1)
    >>> weight.grad += torch.tensor([3.0, -0.2])
    >>> optimizer.step()  # the first goes by lr, whatever the gradient
    >>> weight
    tensor([0.9000, 1.1000])

    Reference: D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.betas = betas
        self.eps = eps
        super().__init__(parameters, lr)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        means = {name: torch.zeros_like(param) for name in ("mean", "mean_square")}
        powers = {name: param.new_ones((), dtype=torch.float64) for name in ("beta1_power", "beta2_power")}
        return means | powers

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        beta1, beta2 = self.betas
        mean = state["mean"].mul_(beta1).add_(grad, alpha=1 - beta1)
        mean_square = state["mean_square"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        bias1, bias2 = 1 - state["beta1_power"].mul_(beta1), 1 - state["beta2_power"].mul_(beta2)
        scale = (mean_square / bias2).sqrt_().add_(self.eps).mul_(bias1)
        param.addcdiv_(mean, scale, value=-self.current_lr)
