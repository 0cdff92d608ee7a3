"""Momentum of matrices, made orthogonal."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import Any, ClassVar, Literal, get_args

import corenet as cn
import torch
from torch import Tensor

from corenet_optim.settings import Parameters, integer, number, refusal

Coefficients = tuple[float, float, float]
Adjustment = Literal["original", "match_rms_adamw"]
MOST_STEPS = 99


class Muon(cn.AdamW):
    r"""Muon: momentum of each matrix, whose singular values are all brought near 1, in PyTorch's form.

    With ``G`` the gradient of a matrix of A × B numbers, or of one laid out so from more dimensions, A × rest::

        G ← −G                          if maximize
        M ← M + (1 − μ) (G − M)         momentum μ
        U = G + μ (M − G)               if nesterov, else M
        W ← W − ηₜ λ W                  weight_decay λ
        W ← W − ηₜ a orthogonal(U)      a = √max(1, A / B), or 0.2 √max(A, B) to match AdamW's steps

    PyTorch's takes nothing but matrices, and leaves the rest to another optimizer. Here one optimizer trains a model:
    a bias, a gain and whatever has less than two dimensions goes by the rule of :class:`corenet.AdamW`, with these lr,
    betas, eps and weight_decay. Give these a group of their own for another rate.

    Args:
        parameters: what to train, such as ``model.parameters()``, or groups of them.
        lr: base learning rate.
        weight_decay: λ ≥ 0, decoupled.
        momentum: μ from 0 to 1.
        nesterov: look ahead.
        ns_coefficients: those of :func:`orthogonal`.
        eps: what a norm is at least, and ε of AdamW.
        ns_steps: the steps of :func:`orthogonal`.
        adjust_lr_fn: how the shape of a matrix changes its rate, ``"original"`` or ``"match_rms_adamw"``; None is the
            first.
        betas: β₁ and β₂ of AdamW.
        maximize: climb instead of descend.
        options: ``max_grad_norm`` and ``schedule``, as every optimizer has them.

    Raises:
        ConfigError: a hyper-parameter is out of its range.

    >>> weight = cn.Parameter(torch.zeros(2, 2))
    >>> optimizer = Muon([weight], lr=0.1, weight_decay=0.0)
    >>> weight.grad += torch.tensor([[0.0, 3.0], [5.0, 0.0]])
    >>> optimizer.step()
    >>> weight.abs().round(decimals=2)  # of both directions about alike, whatever the gradient
    tensor([[0.0000, 0.0700],
            [0.1000, 0.0000]])

    References: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, of which are the
    betas too; J. Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982, 2025, of "match_rms_adamw".
    """

    elementwise: ClassVar[bool] = False

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: Coefficients = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: Adjustment | None = None,
        betas: tuple[float, float] = (0.9, 0.95),
        maximize: bool = False,
        **options: Any,
    ) -> None:
        self.momentum = number("Muon", "momentum", momentum, most=1)
        self.nesterov = nesterov
        self.ns_coefficients = _coefficients(ns_coefficients)
        self.ns_steps = integer("Muon", "ns_steps", ns_steps, 1, MOST_STEPS)
        self.adjust_lr_fn = _adjustment(adjust_lr_fn)
        super().__init__(parameters, lr, betas, eps, weight_decay, maximize=maximize, **options)

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        return {"mean": torch.zeros_like(param)} if param.dim() >= 2 else super().init_state(param)

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        if param.dim() < 2:
            super().update(param, grad, state)
            return
        grad = self.decayed(param, -grad if self.maximize else grad)
        mean = state["mean"].lerp_(grad, 1 - self.momentum)
        ahead = (grad.lerp(mean, self.momentum) if self.nesterov else mean).flatten(1)
        step = orthogonal(ahead, self.ns_coefficients, self.ns_steps, self.eps).reshape(param.shape)
        param.sub_(step, alpha=self.current_lr * self.adjustment(*ahead.shape))

    def adjustment(self, rows: int, columns: int) -> float:
        """Return what the rate of a matrix of this shape is multiplied by."""
        if self.adjust_lr_fn == "match_rms_adamw":
            return float(0.2 * max(rows, columns) ** 0.5)
        return float(max(1.0, rows / max(1, columns)) ** 0.5)


def orthogonal(matrix: Tensor, coefficients: Coefficients, steps: int, eps: float) -> Tensor:
    r"""Return about ``U Vᵀ`` of a matrix ``U S Vᵀ``: a Newton-Schulz iteration in bfloat16 brings S near 1.

    On the matrix or, if it has more rows than columns, its transpose::

        X = X / max(‖X‖, ε)
        X ← a X + (b X Xᵀ + c (X Xᵀ)²) X      steps times

    >>> orthogonal(torch.tensor([[0.0, 3.0], [5.0, 0.0]]), (2.0, -1.5, 0.5), 12, 1e-7).round()
    tensor([[0., 1.],
            [1., 0.]], dtype=torch.bfloat16)
    """
    a, b, c = coefficients
    is_tall = matrix.shape[0] > matrix.shape[1]
    flat = matrix.bfloat16()
    flat = flat.T if is_tall else flat
    flat = flat / flat.norm().clamp(min=eps)
    for _ in range(steps):
        gram = flat @ flat.T
        flat = torch.addmm(flat, torch.addmm(gram, gram, gram, beta=b, alpha=c), flat, beta=a)
    return flat.T if is_tall else flat


def _coefficients(value: Any) -> Coefficients:
    are_three = isinstance(value, (tuple, list)) and len(value) == 3
    if not are_three or not all(isinstance(each, Real) and isfinite(each) for each in value):
        raise refusal("Muon", "ns_coefficients", "three finite numbers", value)
    return float(value[0]), float(value[1]), float(value[2])


def _adjustment(value: Any) -> Adjustment | None:
    if value is not None and value not in get_args(Adjustment):
        raise refusal("Muon", "adjust_lr_fn", "'original', 'match_rms_adamw' or None", value)
    found: Adjustment | None = value
    return found
