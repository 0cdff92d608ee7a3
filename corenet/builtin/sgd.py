"""Stochastic gradient descent."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from corenet.contracts.groups import Parameters
from corenet.contracts.numbers import StepFactor, finite, non_negative, switch
from corenet.contracts.optimizer import Optimizer
from corenet.errors import ConfigError


class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum, in PyTorch's form.

    With ``g`` the gradient, step t counted from 0, and ``v = g`` at t = 0::

        g ← −g                        if maximize
        g ← g + λ w                   weight_decay λ
        v ← μ v + (1 − τ) g           momentum μ, dampening τ
        g ← g + μ v  if nesterov, else v
        w ← w − ηₜ g                  ηₜ = lr · schedule(t) / (1 + t · lr_decay)

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate, a finite number ≥ 0; assignable as ``optimizer.lr``.
        momentum: μ ≥ 0.
        dampening: τ.
        weight_decay: λ ≥ 0, coupled: it goes through the momentum.
        nesterov: look ahead; needs momentum and no dampening.
        maximize: climb instead of descend.
        lr_decay: how fast the rate falls with the steps.
        max_grad_norm: what the norm of all gradients together is scaled down to.
        schedule: a function of t that the rate is multiplied by.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> from corenet import Parameter
    >>> weight = Parameter(torch.tensor([1.0]))
    >>> optimizer = SGD([weight], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     _ = weight.grad.fill_(1)
    ...     optimizer.step()
    >>> weight  # 1 − 0.1 · 1 − 0.1 · 1.9
    tensor([0.7100])

    References: B. Polyak, "Some methods of speeding up the convergence of iteration methods",
    1964; I. Sutskever et al., "On the importance of initialization and momentum in deep
    learning", ICML 2013.
    """

    elementwise: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
        lr_decay: float = 0.0,
        max_grad_norm: float | None = None,
        schedule: StepFactor | str | None = None,
    ) -> None:
        self.momentum = non_negative("momentum", momentum)
        self.dampening = finite("dampening", dampening)
        self.weight_decay = non_negative("weight_decay", weight_decay)
        self.nesterov = switch("nesterov", nesterov)
        self.maximize = switch("maximize", maximize)
        if nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ConfigError(
                f"nesterov needs momentum > 0 and dampening 0, not {momentum!r} and {dampening!r}",
                name="nesterov",
                value=nesterov,
            )
        super().__init__(parameters, lr, lr_decay=lr_decay, max_grad_norm=max_grad_norm, schedule=schedule)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"velocity": torch.zeros_like(param)} if self.momentum else {}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        if self.maximize:
            grad = -grad
        if self.weight_decay:
            grad = grad.add(param, alpha=self.weight_decay)
        if self.momentum:
            if self.steps == 0 or "velocity" not in state:  # missing if momentum was assigned later
                state["velocity"] = grad.clone()
            else:
                state["velocity"].mul_(self.momentum).add_(grad, alpha=1 - self.dampening)
            velocity = state["velocity"]
            grad = grad.add(velocity, alpha=self.momentum) if self.nesterov else velocity
        param.sub_(grad, alpha=self.current_lr)
