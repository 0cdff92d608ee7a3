"""A rate for each layer, by the size of its weights: for large batches."""

from __future__ import annotations

from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_optim.settings import Parameters, number, two_betas


class LARS(cn.Optimizer):
    r"""LARS: momentum, by a rate for each parameter that is in proportion to its norm over that of its gradient.

    With ``g`` the gradient::

        τ = η ‖w‖ / (‖g‖ + λ ‖w‖ + ε)   trust_coefficient η, weight_decay λ; 1 where ‖w‖ or ‖g‖ is 0
        v ← μ v + ηₜ τ (g + λ w)        momentum μ
        w ← w − v

    Each parameter is a layer by itself, a bias too.

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate ηₜ, of all layers.
        momentum: μ ≥ 0.
        weight_decay: λ ≥ 0, coupled.
        trust_coefficient: η ≥ 0, how much of its norm a layer may change in a step.
        eps: ε ≥ 0, so that nothing is divided by zero.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([3.0, 4.0]))
    >>> optimizer = LARS([weight], lr=1.0, trust_coefficient=0.1)
    >>> weight.grad += torch.tensor([0.0, 70.0])
    >>> optimizer.step()  # by a tenth of the norm of the weights, 5
    >>> weight
    tensor([3.0000, 3.5000])

    Reference: Y. You, I. Gitman and B. Ginsburg, "Large batch training of convolutional networks", arXiv:1708.03888,
    2017, algorithm 1; ε, and 1 where a norm is 0, are those of LARC in NVIDIA's Apex.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 0.1,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust_coefficient: float = 1e-3,
        eps: float = 1e-8,
        **options: Any,
    ) -> None:
        self.momentum = number("LARS", "momentum", momentum)
        self.weight_decay = number("LARS", "weight_decay", weight_decay)
        self.trust_coefficient = number("LARS", "trust_coefficient", trust_coefficient)
        self.eps = number("LARS", "eps", eps)
        super().__init__(parameters, lr, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"velocity": torch.zeros_like(param)}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        size, slope = norm(param), norm(grad)
        ratio = self.trust_coefficient * size / (slope + self.weight_decay * size + self.eps)
        step = grad.add(param, alpha=self.weight_decay) * trust(ratio, size, slope)
        param.sub_(state["velocity"].mul_(self.momentum).add_(step, alpha=self.current_lr))


class LAMB(cn.Optimizer):
    r"""LAMB: the direction of Adam, by a rate for each parameter in proportion to its norm.

    With ``g`` the gradient, and t the number of steps done before this one::

        m ← β₁ m + (1 − β₁) g
        s ← β₂ s + (1 − β₂) g²
        r = m / (1 − β₁ᵗ⁺¹) / (√(s / (1 − β₂ᵗ⁺¹)) + ε) + λ w        weight_decay λ
        w ← w − ηₜ ‖w‖ / ‖r‖ · r        1 in the place of the ratio where ‖w‖ or ‖r‖ is 0

    Each parameter is a layer by itself, a bias too.

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate, of all layers.
        betas: β₁ and β₂, how much of the two means stays in a step; each in [0, 1).
        eps: ε ≥ 0, so that nothing is divided by zero.
        weight_decay: λ ≥ 0, decoupled.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([3.0, 4.0]))
    >>> optimizer = LAMB([weight], lr=0.1, weight_decay=0.0)
    >>> weight.grad += torch.tensor([0.0, 70.0])
    >>> optimizer.step()  # by a tenth of the norm of the weights, 5
    >>> weight
    tensor([3.0000, 3.5000])

    Reference: Y. You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020,
    algorithm 2, with φ(z) = z; 1 where a norm is 0 is of the authors' code.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
        **options: Any,
    ) -> None:
        self.betas = two_betas("LAMB", betas)
        self.eps = number("LAMB", "eps", eps)
        self.weight_decay = number("LAMB", "weight_decay", weight_decay)
        super().__init__(parameters, lr, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"mean": torch.zeros_like(param), "mean_square": torch.zeros_like(param)}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        beta1, beta2 = self.betas
        mean = state["mean"].lerp_(grad, 1 - beta1)
        mean_square = state["mean_square"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        root = (mean_square / (1 - beta2 ** (self.steps + 1))).sqrt_().add_(self.eps)
        step = (mean / (1 - beta1 ** (self.steps + 1)) / root).add_(param, alpha=self.weight_decay)
        size, length = norm(param), norm(step)
        param.sub_(step * trust(size / length, size, length), alpha=self.current_lr)


def norm(tensor: Tensor) -> Tensor:
    """Return ``√Σ xᵢ²``, in float32 at least.

    >>> norm(torch.tensor([[3.0], [4.0]]))
    tensor(5.)
    """
    is_half = tensor.dtype in (torch.float16, torch.bfloat16)
    return torch.linalg.vector_norm(tensor.float() if is_half else tensor)  # type: ignore[no-any-return]


def trust(ratio: Tensor, *norms: Tensor) -> Tensor:
    """Return ``ratio``, or 1 where one of the norms that it is made of is 0.

    >>> trust(torch.tensor(5.0), torch.tensor(1.0), torch.tensor(0.0))
    tensor(1.)
    """
    for each in norms:
        ratio = torch.where(each > 0, ratio, torch.ones_like(ratio))
    return ratio
