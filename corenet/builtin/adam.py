"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from corenet.contracts.groups import Parameters
from corenet.contracts.numbers import StepFactor, non_negative, switch
from corenet.contracts.optimizer import Optimizer
from corenet.errors import ConfigError


class Adam(Optimizer):
    r"""Adam: steps by the mean of the gradients over the root of the mean of their squares, in PyTorch's form.

    With ``g`` the gradient, and t the number of steps done before this one::

        g ← −g                          if maximize
        g ← g + λ w                     weight_decay λ
        m ← m + (1 − β₁) (g − m)
        s ← β₂ s + (1 − β₂) g²
        ŝ ← max(ŝ, s)  if amsgrad, else s
        w ← w − ηₜ / (1 − β₁ᵗ⁺¹) · m / (√ŝ / √(1 − β₂ᵗ⁺¹) + ε)

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate, a finite number ≥ 0; assignable as ``optimizer.lr``.
        betas: β₁ and β₂, how much of the two means stays in a step; each in [0, 1).
        eps: ε ≥ 0, so that nothing is divided by zero.
        weight_decay: λ ≥ 0, coupled: it goes through both means.
        amsgrad: divide by the largest mean square so far.
        maximize: climb instead of descend.
        max_grad_norm: what the norm of all gradients together is scaled down to.
        schedule: a function of t that the rate is multiplied by.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> from corenet import Parameter
    >>> weight = Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = Adam([weight], lr=0.1)
    >>> weight.grad += torch.tensor([3.0, -0.2])
    >>> optimizer.step()  # the first goes by lr, whatever the gradient
    >>> weight
    tensor([0.9000, 1.1000])

    References: D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015; S. J. Reddi et al.,
    "On the convergence of Adam and beyond", ICLR 2018, of which amsgrad is.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        maximize: bool = False,
        max_grad_norm: float | None = None,
        schedule: StepFactor | str | None = None,
    ) -> None:
        self.betas = _betas(betas)
        self.eps = non_negative("eps", eps)
        self.weight_decay = non_negative("weight_decay", weight_decay)
        self.amsgrad = switch("amsgrad", amsgrad)
        self.maximize = switch("maximize", maximize)
        super().__init__(parameters, lr, max_grad_norm=max_grad_norm, schedule=schedule)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        names = ("mean", "mean_square", "max_mean_square") if self.amsgrad else ("mean", "mean_square")
        return {name: torch.zeros_like(param) for name in names}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        beta1, beta2 = self.betas
        grad = self.decayed(param, -grad if self.maximize else grad)
        mean = state["mean"].lerp_(grad, 1 - beta1)
        mean_square = state["mean_square"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        if self.amsgrad:
            largest = state["max_mean_square"]
            mean_square = largest.copy_(torch.maximum(largest, mean_square))
        bias1, bias2 = 1 - beta1 ** (self.steps + 1), 1 - beta2 ** (self.steps + 1)
        root = (mean_square.sqrt() / bias2**0.5).add_(self.eps)
        param.addcdiv_(mean, root, value=-self.current_lr / bias1)

    def decayed(self, param: Tensor, grad: Tensor) -> Tensor:
        """Return the gradient with that of ``λ/2 · w²``."""
        return grad.add(param, alpha=self.weight_decay) if self.weight_decay else grad


class AdamW(Adam):
    r"""Adam with decoupled weight decay, in PyTorch's form.

    The rule is that of :class:`Adam`, but for the weight decay λ, which passes by both means::

        w ← w − ηₜ λ w                  before the step, in place of g ← g + λ w

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate, a finite number ≥ 0; assignable as ``optimizer.lr``.
        betas: β₁ and β₂, how much of the two means stays in a step; each in [0, 1).
        eps: ε ≥ 0, so that nothing is divided by zero.
        weight_decay: λ ≥ 0, decoupled.
        amsgrad: divide by the largest mean square so far.
        maximize: climb instead of descend.
        max_grad_norm: what the norm of all gradients together is scaled down to.
        schedule: a function of t that the rate is multiplied by.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> from corenet import Parameter
    >>> weight = Parameter(torch.tensor([1.0]))
    >>> AdamW([weight], lr=0.1, weight_decay=0.5).step()
    >>> weight  # without a gradient, 1 − 0.1 · 0.5
    tensor([0.9500])

    Reference: I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        maximize: bool = False,
        max_grad_norm: float | None = None,
        schedule: StepFactor | str | None = None,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad, maximize, max_grad_norm, schedule)

    def decayed(self, param: Tensor, grad: Tensor) -> Tensor:
        """Return the gradient as it is; the weights themselves shrink."""
        if self.weight_decay:
            param.mul_(1 - self.current_lr * self.weight_decay)
        return grad


def _betas(betas: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise ConfigError(f"betas must be two numbers, not {betas!r}", name="betas", value=betas)
    first, second = (non_negative(f"betas[{place}]", beta) for place, beta in enumerate(betas))
    if max(first, second) >= 1:
        raise ConfigError(f"betas must lie in [0, 1), not {betas!r}", name="betas", value=betas)
    return first, second
