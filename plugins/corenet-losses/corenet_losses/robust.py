"""Regression losses that are a square near the target and a line far from it."""

from __future__ import annotations

from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_losses.samples import REDUCTIONS, Reduction
from corenet_losses.settings import check_number


class HuberLoss(cn.ElementwiseLoss):
    r"""Huber loss, ``ℓ = ½ d²`` where ``|d| < δ`` and ``ℓ = δ (|d| − ½ δ)`` elsewhere, with ``d = x − t``.

    The derivative is ``∂ℓ/∂x = min(max(d, −δ), δ)``.

    Args:
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
        delta: where the square becomes a line, ``δ``.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        ConfigError: ``delta`` is no positive number, or ``reduction`` is unknown.
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = HuberLoss()
    >>> loss(torch.tensor([0.5, 3.0]), torch.tensor([0.0, 0.0]))
    tensor(1.3125)
    >>> loss.backward()
    tensor([0.2500, 0.5000])

    Reference: P. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964.
    """

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        check_number("HuberLoss", "delta", delta, above=0)
        self.delta = delta

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: each reduction, an early and a late line."""
        return _each_reduction({"delta": 0.3}, {"delta": 2.5})

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        distance = (input - target).abs()
        line = self.delta * (distance - 0.5 * self.delta)
        return torch.where(distance < self.delta, 0.5 * distance * distance, line)

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        return (input - target).clamp(-self.delta, self.delta)


class SmoothL1Loss(cn.ElementwiseLoss):
    r"""Absolute error with a smooth tip, ``ℓ = ½ d²/β`` where ``|d| < β`` and ``ℓ = |d| − ½ β`` elsewhere.

    With ``d = x − t`` the derivative is ``∂ℓ/∂x = d/β`` where ``|d| < β`` and ``sign(d)`` elsewhere. With β = 0 it is
    the absolute error.

    Args:
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
        beta: where the square becomes a line, ``β``.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        ConfigError: ``beta`` is negative or no number, or ``reduction`` is unknown.
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = SmoothL1Loss(beta=2.0)
    >>> loss(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
    tensor(1.1250)
    >>> loss.backward()
    tensor([0.2500, 0.5000])

    Reference: R. Girshick, "Fast R-CNN", ICCV 2015.
    """

    def __init__(self, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        check_number("SmoothL1Loss", "beta", beta, least=0)
        self.beta = beta

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: each reduction, other tips, and none."""
        return _each_reduction({"beta": 0.3}, {"beta": 2.5}, {"beta": 0.0})

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        distance = (input - target).abs()
        if self.beta == 0:
            return distance
        return torch.where(distance < self.beta, 0.5 * distance * distance / self.beta, distance - 0.5 * self.beta)

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        difference = input - target
        return difference.sign() if self.beta == 0 else (difference / self.beta).clamp(-1, 1)


def _each_reduction(*options: dict[str, Any]) -> list[cn.Case]:
    return [cn.Case(each, (4, 3)) for each in (*({"reduction": each} for each in REDUCTIONS), *options)]
