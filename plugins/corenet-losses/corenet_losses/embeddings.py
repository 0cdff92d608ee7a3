"""Losses of how near samples are to each other, of which some belong together."""

from __future__ import annotations

from math import inf
from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_losses.samples import REDUCTIONS, Reduction, SampleLoss, at_least_float32
from corenet_losses.settings import check_number

TINY = 9.999999960041972e-13  # PyTorch adds it to the squares of norms: 1e-12 as float32 has it


class CosineEmbeddingLoss(SampleLoss):
    r"""Cosine of pairs, ``ℓ = 1 − cos`` of those that belong together and ``ℓ = max(0, cos − m)`` of the others.

    The input is a tuple of two, a and b, and the target 1 or −1. With ``cos = a·b / (‖a‖ ‖b‖)``::

        ∂cos/∂a = b / (‖a‖ ‖b‖) − cos a / ‖a‖²        ∂cos/∂b = a / (‖a‖ ‖b‖) − cos b / ‖b‖²

    Args:
        margin: the cosine that pairs apart may have, ``m``, in [−1, 1].
        reduction: ``"mean"`` over all pairs, ``"sum"`` or ``"none"``.

    Shape: input ``((N, D), (N, D))`` or ``((D,), (D,))``; target ``(N,)`` or ``()``. The loss is 0-dim, or the
    target's shape unreduced.

    Raises:
        ConfigError: ``margin`` lies outside [−1, 1], or ``reduction`` is unknown.
        RangeError: a target is neither −1 nor 1.
        StructureError: the input is no tuple of two.
        ShapeError, DTypeError, DeviceError: the three do not match.

    >>> loss = CosineEmbeddingLoss()
    >>> loss((torch.tensor([[0.8, 0.6]]), torch.tensor([[3.0, 4.0]])), torch.tensor([1]))
    tensor(0.0400)
    >>> loss.backward()
    (tensor([[ 0.1680, -0.2240]]), tensor([[-0.0448,  0.0336]]))

    Reference: R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006.
    """

    def __init__(self, margin: float = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        check_number("CosineEmbeddingLoss", "margin", margin)
        if not -1 <= margin <= 1:
            message = f"CosineEmbeddingLoss: margin must lie in [-1, 1], as a cosine does, not {margin!r}"
            raise cn.ConfigError(message, name="margin", value=margin)
        self.margin = margin

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradients are verified on: each reduction, and another margin."""
        options: list[dict[str, Any]] = [*({"reduction": each} for each in REDUCTIONS), {"margin": 0.3}]
        return [cn.Case(each, inputs=_pairs, targets=_signs) for each in options]

    def forward(self, input: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
        a, b = map(at_least_float32, input)
        square_a, square_b = (_square(each) + TINY for each in (a, b))
        norms = (square_a * square_b).sqrt()
        cos = (a * b).sum(-1, keepdim=True) / norms
        together = (target > 0).unsqueeze(-1)
        self.save(*input, square_a, square_b, norms, cos, together)
        return self.reduce(torch.where(together, 1 - cos, (cos - self.margin).clamp(min=0)).squeeze(-1))

    def backward(self) -> tuple[Tensor, Tensor]:
        first, second, square_a, square_b, norms, cos, together = self.saved()
        a, b = at_least_float32(first), at_least_float32(second)
        apart = (cos >= self.margin).to(cos.dtype)
        slope = self.share(cos.numel()) * torch.where(together, -1, apart)  # ∂L/∂cos
        grad_a = slope * (b / norms - cos * a / square_a)
        grad_b = slope * (a / norms - cos * b / square_b)
        return grad_a.to(first.dtype), grad_b.to(second.dtype)

    def check(self, input: tuple[Tensor, Tensor], target: Tensor) -> None:
        _check_vectors(self, input, ("a", "b"))
        if not isinstance(target, Tensor) or target.is_complex() or target.dtype is torch.bool:
            found = target.dtype if isinstance(target, Tensor) else f"{target!r:.60}"
            raise cn.DTypeError(f"{self!r} takes targets -1 and 1, got {found} as target")
        if target.device != input[0].device:
            raise cn.DeviceError(f"{self!r} got a on {input[0].device} and target on {target.device}")
        if target.shape != input[0].shape[:-1]:
            expected = f"expected {tuple(input[0].shape[:-1])}, a number for each pair"
            raise cn.ShapeError(f"{self!r}: target", target.shape, expected)

    def check_values(self, input: tuple[Tensor, Tensor], target: Tensor) -> None:
        wrong = target[target.abs() != 1]
        if wrong.numel():
            raise cn.RangeError(
                f"{self!r} takes targets -1 and 1, got {wrong[0].item():g}; of 0 and 1 make 2 * target - 1"
            )


class TripletMarginLoss(SampleLoss):
    r"""Triplet loss ``ℓ = max(0, m + D(a, p) − D(a, n))``: an anchor a is to be nearer to the positive p than to n.

    The input is a tuple of the three; the target is not looked at, and may be None. With ``u = a − b + ε``::

        D(a, b) = (Σᵢ |uᵢ|^r)^(1/r)        ∂D/∂a = sign(u) (|u| / D)^(r−1) = −∂D/∂b

    Args:
        margin: by how much nearer the positive is to be, ``m``.
        p: the degree ``r`` of the norm, no less than 1; infinity for the largest difference.
        eps: the ``ε`` that keeps a distance from being 0.
        swap: whether ``D(p, n)`` takes the place of ``D(a, n)`` where it is smaller.
        reduction: ``"mean"`` over all triplets, ``"sum"`` or ``"none"``.

    Shape: input ``((N, D), (N, D), (N, D))`` or ``((D,), (D,), (D,))``. The loss is 0-dim, or ``(N,)`` unreduced.

    Raises:
        ConfigError: ``margin`` is not positive, ``p`` is less than 1, ``eps`` negative, or ``reduction`` unknown.
        StructureError: the input is no tuple of three.
        ShapeError, DTypeError, DeviceError: the three do not match.

    >>> loss = TripletMarginLoss(eps=0.0)
    >>> anchor, positive, negative = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 5.5]]).split(1)
    >>> loss((anchor, positive, negative), None)
    tensor(0.5000)
    >>> loss.backward()
    (tensor([[-0.6000,  0.2000]]), tensor([[0.6000, 0.8000]]), tensor([[ 0., -1.]]))

    Reference: V. Balntas, E. Riba, D. Ponsa, K. Mikolajczyk, "Learning local feature descriptors with triplets and
    shallow convolutional neural networks", BMVC 2016.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        check_number("TripletMarginLoss", "margin", margin, above=0)
        check_number("TripletMarginLoss", "eps", eps, least=0)
        if p != inf:
            check_number("TripletMarginLoss", "p", p, least=1)
        self.margin, self.p, self.eps, self.swap = margin, float(p), eps, bool(swap)

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradients are verified on: each reduction, other norms, the nearer of two."""
        norms: list[dict[str, Any]] = [{"p": p, "margin": 3.0} for p in (1, 3, inf)]
        options: list[dict[str, Any]] = [*({"reduction": each} for each in REDUCTIONS), {"swap": True}]
        return [cn.Case(each, inputs=_triplets, targets=_signs) for each in [*options, *norms]]

    def forward(self, input: tuple[Tensor, Tensor, Tensor], target: object) -> Tensor:
        anchor, positive, negative = map(at_least_float32, input)
        near, far = self._distance(anchor, positive), self._distance(anchor, negative)
        between = self._distance(positive, negative) if self.swap else far
        excess = self.margin + near[1] - torch.minimum(far[1], between[1])
        self.save(input[0].dtype, excess, *near, *far, *between)
        return self.reduce(excess.clamp(min=0).squeeze(-1))

    def backward(self) -> tuple[Tensor, Tensor, Tensor]:
        dtype, excess, near, near_by, far, far_by, between, between_by = self.saved()
        active = self.share(excess.numel()) * (excess >= 0).to(excess.dtype)
        to_near, to_far = active * self._slope(near, near_by), active * self._slope(far, far_by)
        if not self.swap:
            return _as(dtype, to_near - to_far, -to_near, to_far)
        smaller = 0.5 + 0.5 * (between_by - far_by).sign()  # 1 where D(a, n) is the smaller, ½ where they are equal
        to_far, to_between = smaller * to_far, (1 - smaller) * active * self._slope(between, between_by)
        return _as(dtype, to_near - to_far, -to_near - to_between, to_far + to_between)

    def check(self, input: tuple[Tensor, Tensor, Tensor], target: object) -> None:
        _check_vectors(self, input, ("anchor", "positive", "negative"))

    def _distance(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``u = a − b + ε`` and its norm."""
        difference = a - b + self.eps
        size = difference.abs()
        if self.p == inf:
            return difference, size.amax(-1, keepdim=True)
        return difference, (size**self.p).sum(-1, keepdim=True) ** (1 / self.p)

    def _slope(self, difference: Tensor, norm: Tensor) -> Tensor:
        """Return the derivative of a norm, 0 where it is 0."""
        size = difference.abs()
        if self.p == inf:
            largest = (size == norm).to(size.dtype)
            return difference.sign() * largest / largest.sum(-1, keepdim=True)
        return (difference.sign() * (size / norm) ** (self.p - 1)).masked_fill(norm == 0, 0)


def _as(dtype: Any, first: Tensor, second: Tensor, third: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return first.to(dtype), second.to(dtype), third.to(dtype)


def _square(vectors: Tensor) -> Tensor:
    return (vectors * vectors).sum(-1, keepdim=True)


def _pairs(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator)


def _triplets(generator: torch.Generator) -> tuple[Tensor, ...]:
    return *_pairs(generator), torch.randn(4, 3, generator=generator)


def _signs(generator: torch.Generator) -> Tensor:
    return 2.0 * torch.randint(2, (4,), generator=generator) - 1


def _check_vectors(loss: SampleLoss, input: tuple[Tensor, ...], names: tuple[str, ...]) -> None:
    """Raise unless the input is a tuple of tensors of one shape, rows of vectors or one vector each."""
    loss.check_tuple(input, names)
    for name, each in zip(names, input, strict=True):
        loss.check_floating(name, each)
        loss.check_alike(name, each, names[0], input[0])
    if input[0].dim() not in (1, 2):
        raise cn.ShapeError(f"{loss!r}", input[0].shape, "expected (N, D), or (D,)")
    loss.check_not_empty(input[0][..., :1].numel(), input[0].shape)
