"""Losses: one value for each element, its derivative beside it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from corenet.builtin.loss_weights import check_broadcasts, constant
from corenet.contracts.case import Case
from corenet.contracts.elementwise_loss import ElementwiseLoss
from corenet.contracts.loss import REDUCTIONS, Reduction, check_unit_interval


class MSELoss(ElementwiseLoss):
    r"""Squared error ``ℓ = (x − t)²``, with ``∂ℓ/∂x = 2 (x − t)``.

    Args:
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = MSELoss()
    >>> loss(torch.tensor([[3.0], [0.0]]), torch.tensor([[1.0], [0.0]]))
    tensor(2.)
    >>> loss.backward()
    tensor([[2.],
            [0.]])

    Reference: C. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 5.2.
    """

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: each reduction."""
        return _each_reduction()

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        return (input - target).square()

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        return 2 * (input - target)


class MAELoss(ElementwiseLoss):
    r"""Absolute error ``ℓ = |x − t|``, with ``∂ℓ/∂x = sign(x − t)``, 0 where x = t.

    Args:
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = MAELoss()
    >>> loss(torch.tensor([3.0, 0.0]), torch.tensor([1.0, 0.0]))
    tensor(1.)
    >>> loss.backward()
    tensor([0.5000, 0.0000])

    Reference: C. Willmott, K. Matsuura, "Advantages of the mean absolute error over the
    root mean square error", Climate Research 30, 2005.
    """

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: each reduction."""
        return _each_reduction()

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        return (input - target).abs()

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        return (input - target).sign()


class WeightedLoss(ElementwiseLoss):
    """An elementwise loss of targets in [0, 1], whose values are multiplied by a constant ``weight``.

    ``weight`` broadcasts against the values; the mean still divides by their number.
    """

    one_above: float  # the output that stands for a probability of ½

    def __init__(self, weight: Tensor | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.weight = constant("weight", weight)

    def weighted(self, values: Tensor) -> Tensor:
        """Return ``weight · values``."""
        return values if self.weight is None else self.weight.to(values.dtype) * values

    def predictions(self, output: Tensor) -> Tensor:
        """Return 1 where the probability of it is above ½, else 0; NaN stays NaN."""
        return torch.where(output.isnan(), output, (output > self.one_above).to(output.dtype))

    def check(self, input: Tensor, target: Tensor) -> None:
        super().check(input, target)
        check_broadcasts(self, "weight", self.weight, input)

    def check_values(self, input: Tensor, target: Tensor) -> None:
        check_unit_interval(self, "target", target)


class BCELoss(WeightedLoss):
    r"""Binary cross-entropy of probabilities, ``ℓ = −w (t log x + (1 − t) log(1 − x))``.

    The derivative is ``∂ℓ/∂x = w (x − t) / (x (1 − x))``. As in PyTorch each logarithm
    is at least −100, which keeps the loss finite at x = 0 and 1, and the denominator at
    least 1e−12.

    Args:
        weight: a constant ``w`` that broadcasts against the input, 1 if None.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        RangeError: an input or a target lies outside [0, 1] or is NaN.
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = BCELoss()
    >>> loss(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
    tensor(0.6931)
    >>> loss.backward()
    tensor([-1.,  1.])

    Reference: I. J. Good, "Rational decisions", JRSS B 14, 1952.
    """

    one_above = 0.5

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: each reduction, weighted or not."""
        return _each_reduction("weight", domain=(0.05, 0.95), target_domain=(0.0, 1.0))

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        log_input = input.log().clamp(min=-100)
        log_rest = (1 - input).log().clamp(min=-100)
        return self.weighted(-(target * log_input + (1 - target) * log_rest))

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        variance = (input * (1 - input)).clamp(min=1e-12)
        return self.weighted((input - target) / variance)

    def probabilities(self, output: Tensor) -> Tensor:
        """Return the output, which is the probability of a 1."""
        return output

    def check_values(self, input: Tensor, target: Tensor) -> None:
        super().check_values(input, target)
        check_unit_interval(self, "input", input)


class BCEWithLogitsLoss(WeightedLoss):
    r"""Binary cross-entropy of logits, ``bce(σ(x), t)`` without the overflow.

    With ``σ(x) = 1 / (1 + e⁻ˣ)`` and ``p = pos_weight``::

        ℓ = w ((1 − t) log(1 + eˣ) + p t log(1 + e⁻ˣ))        ∂ℓ/∂x = w ((1 − t) σ(x) − p t σ(−x))

    which for ``p = 1`` is ``w (σ(x) − t)``, but keeps its digits where a confident answer is
    right. ``log(1 + eˣ)`` is computed as ``max(x, 0) + log1p(e^−|x|)``.

    Args:
        weight: a constant ``w`` that broadcasts against the input, 1 if None.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.
        pos_weight: how much a positive target weighs, broadcast against the input, 1 if None.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        RangeError: a target lies outside [0, 1] or is NaN.
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = BCEWithLogitsLoss()
    >>> loss(torch.tensor([0.0, 1000.0]), torch.tensor([1.0, 1.0]))
    tensor(0.3466)
    >>> loss.backward()
    tensor([-0.2500,  0.0000])

    Reference: C. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 4.3.2.
    """

    one_above = 0.0

    def __init__(
        self, weight: Tensor | None = None, reduction: Reduction = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(weight, reduction)
        self.pos_weight = constant("pos_weight", pos_weight)

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: each reduction, each weight."""
        return _each_reduction("weight", "pos_weight", domain=(-3.0, 3.0), target_domain=(0.0, 1.0))

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        rest = torch.log1p(torch.exp(-input.abs()))
        negative, positive = input.clamp(min=0) + rest, (-input).clamp(min=0) + rest  # log(1 + eˣ), log(1 + e⁻ˣ)
        return self.weighted((1 - target) * negative + self._emphasized(target) * positive)

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        return self.weighted((1 - target) * torch.sigmoid(input) - self._emphasized(target) * torch.sigmoid(-input))

    def probabilities(self, output: Tensor) -> Tensor:
        """Return ``σ(output)``, the probability of a 1."""
        return torch.sigmoid(output)

    def check(self, input: Tensor, target: Tensor) -> None:
        super().check(input, target)
        check_broadcasts(self, "pos_weight", self.pos_weight, input)

    def _emphasized(self, target: Tensor) -> Tensor:
        return target if self.pos_weight is None else self.pos_weight.to(target.dtype) * target


def _each_reduction(
    *weights: str, domain: tuple[float, float] = (-2.0, 2.0), target_domain: tuple[float, float] | None = None
) -> list[Case]:
    def case(arguments: dict[str, Any]) -> Case:
        return Case(arguments, (4, 3), domain, target_domain)

    weighted = [case({name: torch.tensor([0.5, 1.0, 2.0])}) for name in weights]
    return [case({"reduction": reduction}) for reduction in REDUCTIONS] + weighted
