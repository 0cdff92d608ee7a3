"""Cross-entropy of class probabilities, from logits."""

from __future__ import annotations

from numbers import Integral
from typing import Any

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
        share, *index = self._shares(log_p, target)
        self.save(input, log_p, share, *index)
        terms = share * (log_p.gather(dim, index[0]) if index else log_p)
        values = -terms.masked_fill(share == 0, 0).sum(dim)  # 0 log 0 = 0
        return values if self.reduction == "none" else values.sum()

    def backward(self) -> Tensor:
        input, log_p, share, *index = self.saved()
        dim = dim_of_classes(input)
        gradient = log_p.exp() * share.sum(dim, keepdim=True)
        gradient = gradient.scatter_add(dim, index[0], -share) if index else gradient - share
        return gradient.to(input.dtype)

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
        low, high = target.aminmax()
        if low >= 0 and high < classes and self.weight is None and not low <= self.ignore_index <= high:
            return  # as nearly always, and known for the price of one look
        counted = target[target != self.ignore_index]
        check_indices(self, counted, classes)
        weight = counted.numel() if self.weight is None else self.weight[counted].sum()
        if self.reduction == "mean" and weight == 0:
            raise RangeError(f"{self!r}: the mean is over nothing, all targets are ignored or of weight 0")

    def _shares(self, log_p: Tensor, target: Tensor) -> list[Tensor]:
        """Return the shares ``a``, in a mean over what it divides by; and their classes if it is one a point."""
        dim = dim_of_classes(log_p)
        if target.is_floating_point():
            share = self._share_of_each(target.to(log_p.dtype), dim)
            return [share / (target.numel() / target.shape[dim]) if self.reduction == "mean" else share]
        index, kept = self._looked_up(target.unsqueeze(dim), log_p.shape[dim])
        share = weight = self._weight_of(index, kept, log_p.dtype)
        if self.label_smoothing:
            one_hot = torch.zeros_like(log_p).scatter(dim, index, 1.0)
            share = self._share_of_each(one_hot, dim).masked_fill(~kept, 0)
        share = share / weight.sum() if self.reduction == "mean" else share
        return [share] if self.label_smoothing else [share, index]

    def _share_of_each(self, target: Tensor, dim: int) -> Tensor:
        """Return ``w_c ((1 − ε) t_c + ε / C)``."""
        if self.label_smoothing:
            target = (1 - self.label_smoothing) * target + self.label_smoothing / target.shape[dim]
        if self.weight is None:
            return target
        return self.weight.to(target.dtype).reshape(-1, *[1] * (target.dim() - 2)) * target

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
