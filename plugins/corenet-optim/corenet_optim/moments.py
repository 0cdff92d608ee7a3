"""Relatives of Adam: steps by a mean of the gradients, over what their size is."""

from __future__ import annotations

from typing import Any, ClassVar

import corenet as cn
import torch
from torch import Tensor

from corenet_optim.settings import Parameters, number, two_betas

_HALVING = 0.96  # of NAdam's momentum, how it comes near its end


class Adamax(cn.Optimizer):
    r"""Adamax: Adam with the largest gradient in the place of the mean square, in PyTorch's form.

    With ``g`` the gradient, and t the number of steps done before this one::

        g ← −g                          if maximize
        g ← g + λ w                     weight_decay λ
        m ← m + (1 − β₁) (g − m)
        u ← max(β₂ u, |g| + ε)
        w ← w − ηₜ / (1 − β₁ᵗ⁺¹) · m / u

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate.
        betas: β₁ and β₂, how much of mean and maximum stays in a step; each in [0, 1).
        eps: ε ≥ 0, so that nothing is divided by zero.
        weight_decay: λ ≥ 0, coupled: it goes through mean and maximum.
        maximize: climb instead of descend.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = Adamax([weight], lr=0.1)
    >>> weight.grad += torch.tensor([3.0, -0.2])
    >>> optimizer.step()  # the first goes by lr, whatever the gradient
    >>> weight
    tensor([0.9000, 1.1000])

    Reference: D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.1.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        self.betas, self.eps, self.weight_decay = _of_adam("Adamax", betas, eps, weight_decay)
        self.maximize = maximize
        super().__init__(parameters, lr, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"mean": torch.zeros_like(param), "largest": torch.zeros_like(param)}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        beta1, beta2 = self.betas
        if self.maximize:
            grad = -grad
        if self.weight_decay:
            grad = grad.add(param, alpha=self.weight_decay)
        mean, largest = state["mean"].lerp_(grad, 1 - beta1), state["largest"].mul_(beta2)
        largest.copy_(torch.maximum(largest, grad.abs().add_(self.eps)))
        param.addcdiv_(mean, largest, value=-self.current_lr / (1 - beta1 ** (self.steps + 1)))


class NAdam(cn.Optimizer):
    r"""NAdam: Adam that looks ahead as Nesterov's momentum does, with a momentum that grows, in PyTorch's form.

    With ``g`` the gradient, and t the number of steps done before this one::

        g ← −g                          if maximize
        g ← g + λ w                     weight_decay λ; w ← w − ηₜ λ w in its place if decoupled
        μₜ = β₁ (1 − ½ · 0.96^((t + 1) ψ))      momentum_decay ψ
        p ← p μₜ                        p = 1 at the start
        m ← m + (1 − β₁) (g − m)
        s ← β₂ s + (1 − β₂) g²
        n = (1 − μₜ) / (1 − p) · g + μₜ₊₁ / (1 − p μₜ₊₁) · m
        w ← w − ηₜ n / (√(s / (1 − β₂ᵗ⁺¹)) + ε)

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate.
        betas: β₁ and β₂, how much of the two means stays in a step; each in [0, 1).
        eps: ε ≥ 0, so that nothing is divided by zero.
        weight_decay: λ ≥ 0.
        momentum_decay: ψ ≥ 0, how fast the momentum μₜ grows from near β₁ / 2 to β₁.
        decoupled_weight_decay: let the weight decay pass by both means, as AdamW does.
        maximize: climb instead of descend.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = NAdam([weight], lr=0.1)
    >>> weight.grad += torch.tensor([3.0, -0.2])
    >>> optimizer.step()
    >>> weight
    tensor([0.8944, 1.1056])

    References: T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop; I. Loshchilov and F. Hutter,
    "Decoupled weight decay regularization", ICLR 2019.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        self.betas, self.eps, self.weight_decay = _of_adam("NAdam", betas, eps, weight_decay)
        self.momentum_decay = number("NAdam", "momentum_decay", momentum_decay)
        self.decoupled_weight_decay = decoupled_weight_decay
        self.maximize = maximize
        super().__init__(parameters, lr, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        product = torch.ones((), dtype=torch.promote_types(param.dtype, torch.float32), device=param.device)
        return {"mean": torch.zeros_like(param), "mean_square": torch.zeros_like(param), "momentum_product": product}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        beta1, beta2 = self.betas
        grad = -grad if self.maximize else grad
        if self.weight_decay and self.decoupled_weight_decay:
            param.mul_(1 - self.current_lr * self.weight_decay)
        elif self.weight_decay:
            grad = grad.add(param, alpha=self.weight_decay)
        now, next_ = self.momentum(self.steps), self.momentum(self.steps + 1)
        product = state["momentum_product"]
        product.copy_(product * now)  # mul_ would compute in the precision of the number, which no loop in C does
        mean = state["mean"].lerp_(grad, 1 - beta1)
        mean_square = state["mean_square"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        root = (mean_square / (1 - beta2 ** (self.steps + 1))).sqrt_().add_(self.eps)
        ahead = grad * ((1 - now) / (1 - product)) + mean * (next_ / (1 - product * next_))
        param.addcdiv_(ahead, root, value=-self.current_lr)

    def momentum(self, step: int) -> float:
        """Return μ of a step."""
        momentum: float = self.betas[0] * (1 - 0.5 * _HALVING ** ((step + 1) * self.momentum_decay))
        return momentum


class RAdam(cn.Optimizer):
    r"""RAdam: Adam that divides by nothing as long as the mean square says little, in PyTorch's form.

    With ``g`` the gradient, t the number of steps done before this one, and ρ the number of gradients that the mean
    square comes from::

        g ← −g                          if maximize
        g ← g + λ w                     weight_decay λ; w ← w − ηₜ λ w in its place if decoupled
        m ← m + (1 − β₁) (g − m)
        s ← β₂ s + (1 − β₂) g²
        m̂ = m / (1 − β₁ᵗ⁺¹)
        ρ∞ = 2 / (1 − β₂) − 1
        ρ = ρ∞ − 2 (t + 1) β₂ᵗ⁺¹ / (1 − β₂ᵗ⁺¹)
        r = √((ρ − 4) (ρ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρ))
        w ← w − ηₜ m̂ r √(1 − β₂ᵗ⁺¹) / (√s + ε)     if ρ > 5
        w ← w − ηₜ m̂                               else

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate.
        betas: β₁ and β₂, how much of the two means stays in a step; each in [0, 1).
        eps: ε ≥ 0, so that nothing is divided by zero.
        weight_decay: λ ≥ 0.
        decoupled_weight_decay: let the weight decay pass by both means, as AdamW does.
        maximize: climb instead of descend.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = RAdam([weight], lr=0.1)
    >>> weight.grad += torch.tensor([3.0, -0.2])
    >>> optimizer.step()  # the first ones are those of momentum
    >>> weight
    tensor([0.7000, 1.0200])

    References: L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020; I. Loshchilov and
    F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        self.betas, self.eps, self.weight_decay = _of_adam("RAdam", betas, eps, weight_decay)
        self.decoupled_weight_decay = decoupled_weight_decay
        self.maximize = maximize
        super().__init__(parameters, lr, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"mean": torch.zeros_like(param), "mean_square": torch.zeros_like(param)}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        beta1, beta2 = self.betas
        grad = -grad if self.maximize else grad
        if self.weight_decay and self.decoupled_weight_decay:
            param.mul_(1 - self.current_lr * self.weight_decay)
        elif self.weight_decay:
            grad = grad.add(param, alpha=self.weight_decay)
        mean = state["mean"].lerp_(grad, 1 - beta1)
        mean_square = state["mean_square"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        rate, bias2 = self.current_lr / (1 - beta1 ** (self.steps + 1)), 1 - beta2 ** (self.steps + 1)
        most = 2 / (1 - beta2) - 1
        length = most - 2 * (self.steps + 1) * beta2 ** (self.steps + 1) / bias2
        if length > 5:
            rectified = ((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) ** 0.5
            param.addcdiv_(mean, mean_square.sqrt().add_(self.eps), value=-rate * rectified * bias2**0.5)
        else:
            param.sub_(mean, alpha=rate)


def _of_adam(
    owner: str, pair: tuple[float, float], eps: float, weight_decay: float
) -> tuple[tuple[float, float], float, float]:
    return two_betas(owner, pair), number(owner, "eps", eps), number(owner, "weight_decay", weight_decay)
