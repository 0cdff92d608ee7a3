"""Losses of several classes, of which the target is one."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_losses.class_indices import ClassLoss, dim_of_classes
from corenet_losses.samples import REDUCTIONS, Reduction, at_least_float32
from corenet_losses.settings import check_choice, check_number


class NLLLoss(ClassLoss):
    r"""Negative log-likelihood of log-probabilities, ``ℓ = −w_t x_t``, with ``∂ℓ/∂x_t = −w_t`` and 0 for the others.

    The mean divides by the sum of the weights ``w_t``, without the ignored targets, as in PyTorch.

    Args:
        weight: the weight ``w_c`` of each class, ``(C,)``; 1 if None.
        ignore_index: targets that are this index count for nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Shape: input ``(N, C, d₁, …)`` or ``(C,)``; target ``(N, d₁, …)`` or ``()`` of class indices. The loss is 0-dim, or
    in the target's shape unreduced.

    Raises:
        RangeError: a class index is none of the C, or the mean is over nothing, since all targets are ignored or of
            weight 0.
        ShapeError, DTypeError, DeviceError: input, target and weight do not match.
        ConfigError: an argument of the constructor is of another kind.

    >>> loss = NLLLoss()
    >>> loss(torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log(), torch.tensor([1, 0]))
    tensor(0.4904)
    >>> loss.backward()
    tensor([[ 0.0000, -0.5000],
            [-0.5000,  0.0000]])

    Reference: C. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 4.3.4.
    """

    ignore_index: int

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: Reduction = "mean") -> None:
        super().__init__(weight, reduction)
        if not isinstance(ignore_index, Integral) or isinstance(ignore_index, bool):
            message = f"NLLLoss: ignore_index must be an integer, not {ignore_index!r}"
            raise cn.ConfigError(message, name="ignore_index", value=ignore_index)
        self.ignore_index = ignore_index

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: each reduction, weights, an ignored class, more points."""
        weight: dict[str, Any] = {"weight": torch.tensor([0.5, 1.5, 2.0])}
        options: list[dict[str, Any]] = [
            *({"reduction": each} for each in REDUCTIONS),
            weight,
            weight | {"ignore_index": 1},
        ]
        return [*(cn.Case(each, (5, 3), classes=3) for each in options), cn.Case(weight, (2, 3, 2, 2), classes=3)]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        dim, log_p, index = dim_of_classes(input), at_least_float32(input), self.looked_up(input, target)
        share = self.weight_of(index, log_p.dtype) * self._counted(target).unsqueeze(dim)
        if self.reduction == "mean":
            share = share / share.sum()
        self.save(input, index, share)
        terms = (share * log_p.gather(dim, index)).masked_fill(share == 0, 0)  # 0 log 0 = 0
        return -terms.squeeze(dim) if self.reduction == "none" else -terms.sum()

    def backward(self) -> Tensor:
        input, index, share = self.saved()
        gradient = torch.zeros_like(input, dtype=share.dtype)
        return gradient.scatter(dim_of_classes(input), index, -share).to(input.dtype)

    def probabilities(self, output: Tensor) -> Tensor:
        """Return ``e^output``, the probability of each class."""
        return output.exp()

    def weighs_points_alike(self, target: Tensor) -> bool:
        """Tell whether no point of ``target`` is ignored or weighs more than another."""
        if self.reduction != "mean":
            return True
        top = target.long().clamp(0, 0 if self.weight is None else len(self.weight) - 1)
        weight = (self.weight_of(top, torch.float64) * self._counted(target)).reshape(len(target), -1).sum(1)
        return bool((weight == weight[0]).all())

    def check(self, input: Tensor, target: Tensor) -> None:
        self.check_points(input, target)

    def check_values(self, input: Tensor, target: Tensor) -> None:
        self.check_indices(input, target, self._counted(target))
        weight = self.weight_of(self.looked_up(input, target), torch.float64).squeeze(dim_of_classes(input))
        if self.reduction == "mean" and not (weight * self._counted(target)).sum():
            raise cn.RangeError(f"{self!r}: the mean is over nothing, all targets are ignored or of weight 0")

    def _counted(self, target: Tensor) -> Tensor:
        return target != self.ignore_index

    def __repr__(self) -> str:
        weight = None if self.weight is None else f"weight of {len(self.weight)}"
        ignored = None if self.ignore_index == -100 else f"ignore_index={self.ignore_index}"
        reduction = None if self.reduction == "mean" else repr(self.reduction)
        return f"NLLLoss({', '.join(filter(None, (weight, ignored, reduction)))})"


class MultiMarginLoss(ClassLoss):
    r"""Hinge loss of several classes, ``ℓ = w_t/C Σ_{c≠t} zᵖ_c`` with ``z_c = max(0, m − x_t + x_c)``.

    The derivative is ``∂ℓ/∂x_c = w_t/C p zᵖ⁻¹_c`` where ``z_c > 0``, and ``∂ℓ/∂x_t = −Σ_{c≠t} ∂ℓ/∂x_c``. The mean
    divides by the number of samples, whatever their weights, as in PyTorch.

    Args:
        p: the power, 1 or 2.
        margin: by how much ``x_t`` is to exceed the others, ``m``.
        weight: the weight ``w_c`` of each class, ``(C,)``; 1 if None.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Shape: input ``(N, C)`` or ``(C,)``; target ``(N,)`` or ``()`` of class indices. The loss is 0-dim, or in the
    target's shape unreduced.

    Raises:
        RangeError: a class index is none of the C.
        ShapeError, DTypeError, DeviceError: input, target and weight do not match.
        ConfigError: an argument of the constructor is of another kind.

    >>> loss = MultiMarginLoss()
    >>> loss(torch.tensor([[0.5, 0.0, 0.75]]), torch.tensor([0]))
    tensor(0.5833)
    >>> loss.backward()
    tensor([[-0.6667,  0.3333,  0.3333]])

    Reference: K. Crammer, Y. Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
    JMLR 2, 2001.
    """

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        check_choice("MultiMarginLoss", "p", p, (1, 2))
        check_number("MultiMarginLoss", "margin", margin)
        self.p, self.margin = p, margin

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: each reduction and power, another margin, weights."""
        weight: dict[str, Any] = {"weight": torch.tensor([0.5, 1.5, 2.0])}
        options: list[dict[str, Any]] = [
            *({"reduction": each} for each in REDUCTIONS),
            {"p": 2},
            {"margin": 0.3},
            weight,
            weight | {"p": 2},
        ]
        return [cn.Case(each, (5, 3), classes=3) for each in options]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        dim, scores, index = dim_of_classes(input), at_least_float32(input), self.looked_up(input, target)
        excess = (self.margin - scores.gather(dim, index) + scores).clamp(min=0).scatter(dim, index, 0.0)
        weight = self.weight_of(index, scores.dtype) / scores.shape[dim]
        self.save(input, index, excess, weight)
        return self.reduce((weight * excess**self.p).sum(dim))

    def backward(self) -> Tensor:
        input, index, excess, weight = self.saved()
        dim = dim_of_classes(input)
        slope = excess.sign() if self.p == 1 else 2 * excess
        gradient = self.share(index.numel()) * weight * slope
        return gradient.scatter(dim, index, -gradient.sum(dim, keepdim=True)).to(input.dtype)

    def check(self, input: Tensor, target: Tensor) -> None:
        self.check_points(input, target)
        if input.dim() > 2:
            raise cn.ShapeError(f"{self!r}", input.shape, "expected (N, C), or (C,)")

    def check_values(self, input: Tensor, target: Tensor) -> None:
        self.check_indices(input, target, torch.ones_like(target, dtype=torch.bool))
