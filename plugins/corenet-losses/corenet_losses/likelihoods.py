"""Negative logarithms of the likelihood of values: counts, and measurements of a variance that is estimated too."""

from __future__ import annotations

from math import log, pi
from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_losses.samples import REDUCTIONS, Reduction, SampleLoss, at_least_float32
from corenet_losses.settings import check_number


class PoissonNLLLoss(cn.ElementwiseLoss):
    r"""Likelihood of counts, ``ℓ = eˣ − t x`` of the logarithm x of the rate, with ``∂ℓ/∂x = eˣ − t``.

    Of the rate itself, ``ℓ = x − t log(x + ε)`` with ``∂ℓ/∂x = 1 − t / (x + ε)``. What depends on the target alone,
    ``log t!``, is left out, or approximated where t > 1 by Stirling's formula, ``t log t − t + ½ log(2πt)``.

    Args:
        log_input: whether the input is the logarithm of the rate.
        full: whether Stirling's approximation is added.
        eps: the ``ε`` that keeps the logarithm of a rate finite.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        ConfigError: ``eps`` is no positive number, or ``reduction`` is unknown.
        RangeError: a rate is negative or NaN.
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = PoissonNLLLoss()
    >>> loss(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0]))
    tensor(0.3591)
    >>> loss.backward()
    tensor([-0.5000, -0.1409])

    Reference: C. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 4.3.6.
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        check_number("PoissonNLLLoss", "eps", eps, above=0)
        self.log_input, self.full, self.eps = bool(log_input), bool(full), eps

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: each reduction, of a rate and its logarithm, all terms."""
        counts = (0.0, 5.0)
        of_logs: list[dict[str, Any]] = [*({"reduction": each} for each in REDUCTIONS), {"full": True}]
        of_rates: list[dict[str, Any]] = [{"log_input": False}, {"log_input": False, "full": True, "eps": 0.1}]
        return [
            *(cn.Case(each, (4, 3), target_domain=counts) for each in of_logs),
            *(cn.Case(each, (4, 3), (0.2, 4.0), counts) for each in of_rates),
        ]

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        log_rate, rate = (input, input.exp()) if self.log_input else (torch.log(input + self.eps), input)
        values = rate - target * log_rate
        return values + _log_factorial(target) if self.full else values

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        return input.exp() - target if self.log_input else 1 - target / (input + self.eps)

    def predictions(self, output: Tensor) -> Tensor:
        """Return the rate, which is the count to expect."""
        return output.exp() if self.log_input else output

    def check_values(self, input: Tensor, target: Tensor) -> None:
        wrong = input[~(input >= 0)]  # written so that NaN is refused
        if wrong.numel() and not self.log_input:
            raise cn.RangeError(f"{self!r} takes rates that are no less than 0, got {wrong[0].item():g}")


def _log_factorial(count: Tensor) -> Tensor:
    """Return Stirling's approximation of ``log t!`` where t > 1, else 0."""
    above = count.clamp(min=1)  # so that no logarithm of the others is taken
    stirling = above * above.log() - above + 0.5 * torch.log(2 * pi * above)
    return torch.where(count > 1, stirling, 0)


class GaussianNLLLoss(SampleLoss):
    r"""Likelihood of values of mean x and variance v, ``ℓ = ½ (log v + d²/v)`` with ``d = x − t``.

    The input is a tuple, the means and the variances. Their derivatives are ``∂ℓ/∂x = d/v`` and
    ``∂ℓ/∂v = ½ (1/v − d²/v²)``. As in PyTorch, v is at least ε in all of these, and a small v gets the derivative of ε.

    Args:
        full: whether the constant ``½ log 2π`` is added.
        eps: the least variance ``ε``.
        reduction: ``"mean"`` over all elements, ``"sum"`` or ``"none"``.

    Shape: input ``(x, v)``, of which x has the target's shape, and v that shape too, or 1 in the place of one
    dimension, or no last dimension: then several values share a variance. The loss is 0-dim, or in the target's
    shape unreduced.

    Raises:
        ConfigError: ``eps`` is no positive number, or ``reduction`` is unknown.
        RangeError: a variance is negative or NaN.
        ShapeError, DTypeError, DeviceError: means, variances and target do not match.

    >>> loss = GaussianNLLLoss()
    >>> loss((torch.tensor([1.0, 3.0]), torch.tensor([1.0, 4.0])), torch.tensor([0.0, 3.0]))
    tensor(0.5966)
    >>> loss.backward()
    (tensor([0.5000, 0.0000]), tensor([0.0000, 0.0625]))

    Reference: D. Nix, A. Weigend, "Estimating the mean and variance of the target probability distribution",
    ICNN 1994.
    """

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        check_number("GaussianNLLLoss", "eps", eps, above=0)
        self.full, self.eps = bool(full), eps

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradients are verified on: each reduction, all terms, shared variances."""
        options: list[dict[str, Any]] = [*({"reduction": each} for each in REDUCTIONS), {"full": True}]
        shared = cn.Case(inputs=lambda generator: _estimates(generator, 1), targets=_values)
        return [*(cn.Case(each, inputs=_estimates, targets=_values) for each in options), shared]

    def forward(self, input: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
        mean, variance = input
        difference = at_least_float32(mean) - at_least_float32(target)
        floored = self._by_element(at_least_float32(variance), mean).clamp(min=self.eps)
        self.save(mean, variance, difference, floored)
        values = 0.5 * (floored.log() + difference * difference / floored)
        return self.reduce(values + 0.5 * log(2 * pi) if self.full else values)

    def backward(self) -> tuple[Tensor, Tensor]:
        mean, variance, difference, floored = self.saved()
        scaled = difference / floored
        grad_mean = self.share(mean.numel()) * scaled
        grad_variance = self.share(mean.numel()) * 0.5 * (1 / floored - scaled * scaled)
        grad_variance = grad_variance.sum_to_size(self._by_element(variance, mean).shape).reshape(variance.shape)
        return grad_mean.to(mean.dtype), grad_variance.to(variance.dtype)

    def predictions(self, output: tuple[Tensor, Tensor]) -> Tensor:
        """Return the means."""
        return output[0]

    def check(self, input: tuple[Tensor, Tensor], target: Tensor) -> None:
        self.check_tuple(input, ("means", "variances"))
        mean, variance = input
        for name, tensor in (("mean", mean), ("variance", variance), ("target", target)):
            self.check_floating(name, tensor)
        self.check_alike("target", target, "mean", mean)
        by_element = self._by_element(variance, mean)
        others = [size for size, full in zip(by_element.shape, mean.shape, strict=False) if size != full]
        if by_element.dim() != mean.dim() or others not in ([], [1]):
            expected = f"expected the shape of mean, {tuple(mean.shape)}, or 1 in the place of one dimension"
            raise cn.ShapeError(f"{self!r}: variance", variance.shape, expected)
        self.check_alike("variance", by_element.expand(mean.shape), "mean", mean)
        self.check_not_empty(mean.numel(), mean.shape)

    def check_values(self, input: tuple[Tensor, Tensor], target: Tensor) -> None:
        wrong = input[1][~(input[1] >= 0)]  # written so that NaN is refused
        if wrong.numel():
            raise cn.RangeError(f"{self!r} takes variances that are no less than 0, got {wrong[0].item():g}")

    def _by_element(self, variance: Tensor, mean: Tensor) -> Tensor:
        """Return the variances so that they broadcast against the means."""
        return variance.unsqueeze(-1) if variance.shape == mean.shape[:-1] and mean.dim() else variance


def _estimates(generator: torch.Generator, variances: int = 3) -> tuple[Tensor, Tensor]:
    return _values(generator), 0.2 + torch.rand(4, variances, generator=generator)


def _values(generator: torch.Generator) -> Tensor:
    return torch.randn(4, 3, generator=generator)
