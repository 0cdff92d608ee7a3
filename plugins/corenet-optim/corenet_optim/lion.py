"""Steps of one length: only the sign of the momentum counts."""

from __future__ import annotations

from typing import Any, ClassVar

import corenet as cn
import torch
from torch import Tensor

from corenet_optim.settings import Parameters, number, two_betas


class Lion(cn.Optimizer):
    r"""Lion: moves each weight by the rate, in the direction of a mean of the gradients.

    With ``g`` the gradient::

        w ← w − ηₜ λ w                  weight_decay λ
        w ← w − ηₜ sign(β₁ m + (1 − β₁) g)
        m ← β₂ m + (1 − β₂) g

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate; three to ten times smaller than Adam's.
        betas: β₁, how much of the mean is in a step, and β₂, how much of it stays; each in [0, 1).
        weight_decay: λ ≥ 0, decoupled; three to ten times larger than AdamW's, as it is multiplied by the rate.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = Lion([weight], lr=0.1)
    >>> weight.grad += torch.tensor([3.0, -0.2])
    >>> optimizer.step()
    >>> weight
    tensor([0.9000, 1.1000])

    Reference: X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        self.betas = two_betas("Lion", betas)
        self.weight_decay = number("Lion", "weight_decay", weight_decay)
        super().__init__(parameters, lr, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"mean": torch.zeros_like(param)}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        beta1, beta2 = self.betas
        mean = state["mean"]
        if self.weight_decay:
            param.mul_(1 - self.current_lr * self.weight_decay)
        param.sub_(grad.lerp(mean, beta1).sign_(), alpha=self.current_lr)
        mean.lerp_(grad, 1 - beta2)
