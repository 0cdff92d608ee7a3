"""Cross-entropy of class probabilities, from logits."""

from __future__ import annotations

from numbers import Integral
from typing import Any, cast

import torch
from torch import Tensor

from corenet.builtin.class_targets import check_class_weight, check_indices, check_logits, check_target, dim_of_classes
from corenet.builtin.loss_weights import constant
from corenet.contracts.case import Case
from corenet.contracts.loss import (
    REDUCTIONS,
    Loss,
    Reduction,
    at_least_float32,
    check_reduction,
    check_unit_interval,
)
from corenet.errors import ConfigError, RangeError, ShapeError

Share = tuple[Tensor, Tensor | None]  # of each class, or of the one that an index tells for each point


class CrossEntropyLoss(Loss):
    r"""Cross-entropy ``ℓ = −Σ_c a_c log p_c`` of ``p = softmax(x)``, with ``∂ℓ/∂x_c = p_c Σ_k a_k − a_c``.

    The share ``a_c`` of class c is ``w_c ((1 − ε) t_c + ε / C)``, where the target gives ``t_c``: the probability of
    class c, or 1 for the class whose index it is, else 0. ``w`` is the weight, ε the label smoothing.

    The mean divides by the number of points; for class indices by the sum of their weights ``w_t``, without the
    ignored ones. All this is PyTorch's. ``log p`` is computed as ``x − log Σ eˣ`` with the largest x taken out of the
    sum, so that nothing overflows; half precision is computed in float32.

    Args:
        weight: the weight ``w_c`` of each class, ``(C,)``; 1 if None.
        ignore_index: targets that are this index count for nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: ε in [0, 1], the part of each target that is spread over all classes alike.

    Shape: input ``(N, C, d₁, …)`` or ``(C,)``; target ``(N, d₁, …)`` or ``()`` of class indices, or class probabilities
    in the shape and dtype of the input. The loss is 0-dim, or ``(N, d₁, …)`` unreduced.

    Raises:
        RangeError: a class index is none of the C, a probability lies outside [0, 1] or is NaN, or the mean is over
            nothing, since all targets are ignored or of weight 0.
        ShapeError, DTypeError, DeviceError: input, target and weight do not match.
        ConfigError: ``ignore_index`` is 0 or more and the targets are probabilities; an argument is of another kind.

    >>> loss = CrossEntropyLoss()
    >>> loss(torch.tensor([[0.0, 0.0], [1000.0, 0.0]]), torch.tensor([1, 0]))
    tensor(0.3466)
    >>> loss.backward()
    tensor([[ 0.2500, -0.2500],
            [ 0.0000,  0.0000]])

    Reference: C. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 4.3.4; label smoothing:
    C. Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016.
    """

    ignore_index: int
    class_dim = 1
    checks_points_alone = True

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        check_reduction(reduction)
        self.weight = constant("weight", weight)
        self.ignore_index = _index(ignore_index)
        self.reduction = reduction
        self.label_smoothing = _fraction(label_smoothing)

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: each kind of target, and each option."""
        weight: dict[str, Any] = {"weight": torch.tensor([0.5, 1.5, 2.0])}
        smooth: dict[str, Any] = {"label_smoothing": 0.2}
        options = [*({"reduction": each} for each in REDUCTIONS), weight, smooth, weight | smooth]
        return [
            *(Case(each, (5, 3), classes=3) for each in [*options, weight | {"ignore_index": 1}]),
            Case(weight, (2, 3, 2, 2), classes=3),
            *(Case(each, (5, 3), target_domain=(0.05, 0.95)) for each in options),
            Case(weight | smooth, (2, 3, 4), target_domain=(0.05, 0.95)),
        ]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        dim = dim_of_classes(input)
        log_p = torch.log_softmax(at_least_float32(input), dim)
        shares = self._shares(log_p, target)
        self.save(log_p, shares, input.dtype)
        return -_sum([self._reduced(share, log_p, index, dim) for share, index in shares])

    def backward(self) -> Tensor:
        log_p, shares, dtype = cast("tuple[Tensor, list[Share], torch.dtype]", self.saved())
        dim = dim_of_classes(log_p)
        gradient = log_p.exp().mul_(_sum([share.sum(dim, keepdim=True) for share, _ in shares]))
        for share, index in shares:
            gradient = gradient.sub_(share) if index is None else gradient.scatter_add_(dim, index, -share)
        return gradient.to(dtype)

    def probabilities(self, output: Tensor) -> Tensor:
        """Return ``softmax(output)``, the probability of each class."""
        return torch.softmax(output, dim_of_classes(output))

    def predictions(self, output: Tensor) -> Tensor:
        """Return the index of the most probable class, the first of several."""
        return output.argmax(dim_of_classes(output))

    def weighs_points_alike(self, target: Tensor) -> bool:
        """Tell whether no point of ``target`` is ignored or weighs more than another."""
        if self.reduction != "mean" or target.is_floating_point():
            return True
        classes = 1 if self.weight is None else self.weight.numel()
        weights = self._weight_of(*self._looked_up(target, classes), torch.float64).reshape(len(target), -1).sum(1)
        return bool((weights == weights[0]).all())

    def check(self, input: Tensor, target: Tensor) -> None:
        check_logits(self, input)
        check_target(self, input, target)
        check_class_weight(self, self.weight, input)
        if target.is_floating_point() and self.ignore_index >= 0:
            raise ConfigError(f"{self!r} takes class indices, not probabilities, of which none can be ignored")
        if self.reduction == "mean" and target.numel() == 0:
            raise ShapeError(f"{self!r}", input.shape, "the mean of an empty batch is undefined")

    def check_values(self, input: Tensor, target: Tensor) -> None:
        if target.is_floating_point():
            check_unit_interval(self, "target", target)
        elif target.numel():
            self._check_indices(target.long(), input.shape[dim_of_classes(input)])

    def _check_indices(self, target: Tensor, classes: int) -> None:
        low, high = (int(each) for each in target.aminmax())
        if low < 0 or high >= classes or low <= self.ignore_index <= high:  # else each counts, as nearly always
            target = target[target != self.ignore_index]
            check_indices(self, target, classes)
        weight = target.numel() if self.weight is None else self.weight[target].sum()
        if self.reduction == "mean" and weight == 0:
            raise RangeError(f"{self!r}: the mean is over nothing, all targets are ignored or of weight 0")

    def _reduced(self, share: Tensor, log_p: Tensor, index: Tensor | None, dim: int) -> Tensor:
        """Return ``Σ_c a_c log p_c``, over all points too unless they are to be told apart."""
        terms = share * (log_p if index is None else log_p.gather(dim, index))
        terms.masked_fill_(share == 0, 0)  # 0 log 0 = 0
        return terms.sum(dim) if self.reduction == "none" else terms.sum()

    def _shares(self, log_p: Tensor, target: Tensor) -> list[Share]:
        """Return the shares ``a``, in a mean over what it divides by."""
        dim, smoothing = dim_of_classes(log_p), self.label_smoothing
        classes, is_mean = log_p.shape[dim], self.reduction == "mean"
        if target.is_floating_point():
            target = target.to(log_p.dtype)
            smooth = (1 - smoothing) * target + smoothing / classes if smoothing else target
            share = self._weighted(smooth, dim)
            return [(share / (target.numel() / classes) if is_mean else share, None)]
        index, kept = self._looked_up(target.unsqueeze(dim), classes)
        weight = self._weight_of(index, kept, log_p.dtype)
        count = weight.sum() if is_mean else 1.0
        if not smoothing:
            return [(weight / count if is_mean else weight, index)]
        spread = (smoothing / classes * kept.to(log_p.dtype) / count).expand_as(log_p)
        return [((1 - smoothing) * weight / count, index), (self._weighted(spread, dim), None)]

    def _weighted(self, share: Tensor, dim: int) -> Tensor:
        """Return ``w_c share_c``."""
        if self.weight is None:
            return share
        return self.weight.to(share.dtype).reshape(-1, *[1] * (share.dim() - 2)) * share

    def _looked_up(self, target: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Return class indices that can be looked up, and which of them count.

        No index may lead out of a tensor: an engine asks :meth:`check_values` after the kernels of a whole step.
        """
        target = target.long()
        return target.clamp(0, classes - 1), target != self.ignore_index

    def _weight_of(self, index: Tensor, kept: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the weight of each class index, 0 where it does not count."""
        return kept.to(dtype) if self.weight is None else self.weight.to(dtype)[index] * kept

    def __repr__(self) -> str:
        weight = None if self.weight is None else f"weight of {self.weight.numel()}"
        ignored = None if self.ignore_index == -100 else f"ignore_index={self.ignore_index}"
        reduction = None if self.reduction == "mean" else repr(self.reduction)
        smoothing = f"label_smoothing={self.label_smoothing:g}" if self.label_smoothing else None
        return f"{type(self).__name__}({', '.join(filter(None, (weight, ignored, reduction, smoothing)))})"


def _index(value: object) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ConfigError(f"ignore_index must be an integer, not {value!r}", name="ignore_index", value=value)
    return int(value)


def _fraction(value: float) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:  # false for NaN too
        raise ConfigError(
            f"label_smoothing must be a number in [0, 1], not {value!r}", name="label_smoothing", value=value
        )
    return value


def _sum(terms: list[Tensor]) -> Tensor:
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]
