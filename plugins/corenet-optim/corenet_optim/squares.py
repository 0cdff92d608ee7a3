"""Steps by the gradient over the root of its squares: their sum, or their mean."""

from __future__ import annotations

from typing import Any, ClassVar

import corenet as cn
import torch
from torch import Tensor

from corenet_optim.settings import Parameters, number


class Adagrad(cn.Optimizer):
    r"""Adagrad: divides by the root of the sum of all squares so far, in PyTorch's form.

    With ``g`` the gradient, and t the number of steps done before this one::

        g ← −g                          if maximize
        g ← g + λ w                     weight_decay λ
        s ← s + g²
        w ← w − ηₜ g / (√s + ε)         ηₜ = lr / (1 + t · lr_decay)

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate.
        lr_decay: how fast the rate falls with the steps.
        weight_decay: λ ≥ 0, coupled: it goes through the sum.
        initial_accumulator_value: what s starts from, ≥ 0; a group may have its own, of which PyTorch takes no notice.
        eps: ε ≥ 0, so that nothing is divided by zero.
        maximize: climb instead of descend.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = Adagrad([weight], lr=0.1)
    >>> weight.grad += torch.tensor([3.0, -0.2])
    >>> optimizer.step()  # the first goes by lr, whatever the gradient
    >>> weight
    tensor([0.9000, 1.1000])

    Reference: J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, 2011.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        self.weight_decay = number("Adagrad", "weight_decay", weight_decay)
        self.initial_accumulator_value = number("Adagrad", "initial_accumulator_value", initial_accumulator_value)
        self.eps = number("Adagrad", "eps", eps)
        self.maximize = maximize
        super().__init__(parameters, lr, lr_decay=lr_decay, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"square_sum": torch.full_like(param, self.initial_accumulator_value)}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        if self.maximize:
            grad = -grad
        if self.weight_decay:
            grad = grad.add(param, alpha=self.weight_decay)
        root = state["square_sum"].addcmul_(grad, grad).sqrt().add_(self.eps)
        param.addcdiv_(grad, root, value=-self.current_lr)


class Adadelta(cn.Optimizer):
    r"""Adadelta: steps as large as the steps so far, so that they have the unit of the weights, in PyTorch's form.

    With ``g`` the gradient, ``s`` a mean of its squares and ``d`` one of the squares of the steps::

        g ← −g                          if maximize
        g ← g + λ w                     weight_decay λ
        s ← ρ s + (1 − ρ) g²
        Δ = g √(d + ε) / √(s + ε)
        d ← ρ d + (1 − ρ) Δ²
        w ← w − ηₜ Δ

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate.
        rho: ρ, how much of the two means stays in a step, from 0 to 1.
        eps: ε ≥ 0, without which no step would be the first.
        weight_decay: λ ≥ 0, coupled: it goes through both means.
        maximize: climb instead of descend.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([1.0]))
    >>> optimizer = Adadelta([weight], eps=0.01)
    >>> weight.grad += 3
    >>> optimizer.step()  # by 3 √0.01 / √(0.1 · 3² + 0.01)
    >>> weight
    tensor([0.6855])

    Reference: M. D. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701, 2012.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        self.rho = number("Adadelta", "rho", rho, most=1)
        self.eps = number("Adadelta", "eps", eps)
        self.weight_decay = number("Adadelta", "weight_decay", weight_decay)
        self.maximize = maximize
        super().__init__(parameters, lr, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"mean_square": torch.zeros_like(param), "mean_square_step": torch.zeros_like(param)}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        if self.maximize:
            grad = -grad
        if self.weight_decay:
            grad = grad.add(param, alpha=self.weight_decay)
        mean_square, mean_square_step = state["mean_square"], state["mean_square_step"]
        mean_square.mul_(self.rho).addcmul_(grad, grad, value=1 - self.rho)
        step = mean_square_step.add(self.eps).sqrt_() / mean_square.add(self.eps).sqrt_() * grad
        mean_square_step.mul_(self.rho).addcmul_(step, step, value=1 - self.rho)
        param.sub_(step, alpha=self.current_lr)


class RMSprop(cn.Optimizer):
    r"""RMSprop: divides by the root of a mean of the squares, in PyTorch's form.

    With ``g`` the gradient::

        g ← −g                          if maximize
        g ← g + λ w                     weight_decay λ
        s ← α s + (1 − α) g²
        m ← m + (1 − α) (g − m)         if centered, else m = 0
        v ← μ v + g / (√(s − m²) + ε)   momentum μ
        w ← w − ηₜ v

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate.
        alpha: α, how much of the means stays in a step, from 0 to 1.
        eps: ε ≥ 0, so that nothing is divided by zero.
        weight_decay: λ ≥ 0, coupled: it goes through all means.
        momentum: μ ≥ 0.
        centered: divide by the root of the variance, not of the mean square.
        maximize: climb instead of descend.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = RMSprop([weight], lr=0.1, alpha=0.75)
    >>> weight.grad += torch.tensor([3.0, -0.2])
    >>> optimizer.step()  # by lr / √(1 − α), whatever the gradient
    >>> weight
    tensor([0.8000, 1.2000])

    References: T. Tieleman and G. Hinton, "Lecture 6.5, rmsprop", Neural networks for machine learning, Coursera, 2012;
    A. Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850, 2013, of which centered is.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        self.alpha = number("RMSprop", "alpha", alpha, most=1)
        self.eps = number("RMSprop", "eps", eps)
        self.weight_decay = number("RMSprop", "weight_decay", weight_decay)
        self.momentum = number("RMSprop", "momentum", momentum)
        self.centered = centered
        self.maximize = maximize
        super().__init__(parameters, lr, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        names = ["mean_square"] + ["mean"] * self.centered + ["velocity"] * (self.momentum > 0)
        return {name: torch.zeros_like(param) for name in names}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        if self.maximize:
            grad = -grad
        if self.weight_decay:
            grad = grad.add(param, alpha=self.weight_decay)
        square = state["mean_square"].mul_(self.alpha).addcmul_(grad, grad, value=1 - self.alpha)
        if self.centered:
            mean = state["mean"].lerp_(grad, 1 - self.alpha)
            square = square.addcmul(mean, mean, value=-1)
        step = grad / square.sqrt().add_(self.eps)
        if self.momentum:
            step = state["velocity"].mul_(self.momentum).add_(step)
        param.sub_(step, alpha=self.current_lr)
