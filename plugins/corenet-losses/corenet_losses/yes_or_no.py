"""Losses of targets that are one of two classes."""

from __future__ import annotations

from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_losses.samples import REDUCTIONS, Reduction
from corenet_losses.settings import check_number


class HingeLoss(cn.ElementwiseLoss):
    r"""Hinge loss ``ℓ = max(0, m − t x)`` of targets ±1, with ``∂ℓ/∂x = −t`` where ``t x < m`` and 0 elsewhere.

    Args:
        margin: by how much an output is to be on the right side, ``m``.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        ConfigError: ``margin`` is no finite number, or ``reduction`` is unknown.
        RangeError: a target is neither −1 nor 1.
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = HingeLoss()
    >>> loss(torch.tensor([0.5, 3.0]), torch.tensor([-1.0, 1.0]))
    tensor(0.7500)
    >>> loss.backward()
    tensor([0.5000, 0.0000])

    Reference: C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20, 1995.
    """

    def __init__(self, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        check_number("HingeLoss", "margin", margin)
        self.margin = margin

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: each reduction, and another margin."""
        options: list[dict[str, Any]] = [*({"reduction": each} for each in REDUCTIONS), {"margin": 0.3}]
        return [cn.Case(each, inputs=_outputs, targets=_signs) for each in options]

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        return (self.margin - target * input).clamp(min=0)

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        return torch.where(target * input < self.margin, -target, 0)

    def predictions(self, output: Tensor) -> Tensor:
        """Return 1 where the output is above 0, else −1; NaN stays NaN."""
        return torch.where(output.isnan(), output, 2 * (output > 0).to(output.dtype) - 1)

    def check_values(self, input: Tensor, target: Tensor) -> None:
        wrong = target[target.abs() != 1]
        if wrong.numel():
            raise cn.RangeError(
                f"{self!r} takes targets -1 and 1, got {wrong[0].item():g}; of 0 and 1 make 2 * target - 1"
            )


class FocalLoss(cn.ElementwiseLoss):
    r"""Focal loss of logits, ``ℓ = α_t qᵞ ℓ₀``: binary cross-entropy ``ℓ₀``, in which easy targets count less.

    With ``p = σ(x)``, ``q = t (1 − p) + (1 − t) p``, the probability of the other class, and
    ``α_t = α t + (1 − α) (1 − t)``::

        ℓ₀ = t log(1 + e⁻ˣ) + (1 − t) log(1 + eˣ)
        ∂ℓ/∂x = α_t (qᵞ (p − t) + γ qᵞ⁻¹ (1 − 2 t) p (1 − p) ℓ₀)

    Values and arguments are those of torchvision's ``sigmoid_focal_loss``; the default reduction is that of a loss.

    Args:
        alpha: the weight ``α`` of a 1, in [0, 1], or -1 for no weights, ``α_t = 1``.
        gamma: how much less the easy targets count, ``γ``.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        ConfigError: ``alpha`` is neither in [0, 1] nor -1, ``gamma`` is negative, or ``reduction`` is unknown.
        RangeError: a target lies outside [0, 1] or is NaN.
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = FocalLoss(alpha=-1)
    >>> loss(torch.tensor([0.0, 4.0]), torch.tensor([1.0, 1.0]))
    tensor(0.0866)
    >>> loss.backward()
    tensor([-1.4914e-01, -8.6753e-06])

    Reference: T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal loss for dense object detection", ICCV 2017.
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        check_number("FocalLoss", "alpha", alpha)
        check_number("FocalLoss", "gamma", gamma, least=0)
        if alpha != -1 and not 0 <= alpha <= 1:
            raise cn.ConfigError(
                f"FocalLoss: alpha must lie in [0, 1], or be -1, not {alpha!r}", name="alpha", value=alpha
            )
        self.alpha, self.gamma = alpha, gamma

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: each reduction, no weights, and other powers."""
        powers = [{"gamma": gamma} for gamma in (0.0, 0.5, 1.0, 3.5)]
        options: list[dict[str, Any]] = [
            *({"reduction": each} for each in REDUCTIONS),
            {"alpha": -1},
            {"alpha": 0.7},
            *powers,
        ]
        return [cn.Case(each, (4, 3), (-3.0, 3.0), (0.0, 1.0)) for each in options]

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        return self._weighted(target, self._other(input, target) ** self.gamma * _cross_entropy(input, target))

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        p, rest, other = torch.sigmoid(input), torch.sigmoid(-input), self._other(input, target)
        of_entropy = other**self.gamma * ((1 - target) * p - target * rest)  # p − t, in all its digits
        of_power = self.gamma * other.clamp(min=torch.finfo(other.dtype).tiny) ** (self.gamma - 1)
        slope = (1 - 2 * target) * p * rest  # ∂q/∂x
        return self._weighted(target, of_entropy + of_power * slope * _cross_entropy(input, target))

    def predictions(self, output: Tensor) -> Tensor:
        """Return 1 where its probability is above ½, else 0; NaN stays NaN."""
        return torch.where(output.isnan(), output, (output > 0).to(output.dtype))

    def probabilities(self, output: Tensor) -> Tensor:
        """Return ``σ(output)``, the probability of a 1."""
        return torch.sigmoid(output)

    def check_values(self, input: Tensor, target: Tensor) -> None:
        wrong = target[~((target >= 0) & (target <= 1))]  # written so that NaN is refused
        if wrong.numel():
            raise cn.RangeError(f"{self!r} takes targets in [0, 1], got {wrong[0].item():g}")

    def _other(self, input: Tensor, target: Tensor) -> Tensor:
        """Return ``q``, the probability of the other class."""
        return target * torch.sigmoid(-input) + (1 - target) * torch.sigmoid(input)

    def _weighted(self, target: Tensor, values: Tensor) -> Tensor:
        """Return ``α_t`` times the values."""
        return values if self.alpha == -1 else (self.alpha * target + (1 - self.alpha) * (1 - target)) * values


def _cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    rest = torch.log1p(torch.exp(-input.abs()))
    return target * ((-input).clamp(min=0) + rest) + (1 - target) * (input.clamp(min=0) + rest)


def _outputs(generator: torch.Generator) -> Tensor:
    return 2 * torch.randn(4, 3, generator=generator)


def _signs(generator: torch.Generator) -> Tensor:
    return 2.0 * torch.randint(2, (4, 3), generator=generator) - 1
