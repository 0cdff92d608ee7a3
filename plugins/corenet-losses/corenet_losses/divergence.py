"""How far one distribution is from another."""

from __future__ import annotations

from typing import Literal

import corenet as cn
import torch
from torch import Tensor

from corenet_losses.settings import check_choice


class KLDivLoss(cn.ElementwiseLoss):
    r"""Kullback-Leibler divergence ``ℓ = t (log t − x)`` of log-probabilities x, with ``∂ℓ/∂x = −t``.

    Where t = 0 it is 0. Of targets that are log-probabilities too, ``ℓ = eᵗ (t − x)``, with ``∂ℓ/∂x = −eᵗ``.

    Args:
        reduction: ``"batchmean"``, the sum divided by the number of rows, which is the divergence; ``"mean"`` over all
            elements, PyTorch's default; ``"sum"`` or ``"none"``.
        log_target: whether targets are log-probabilities.

    Shape: input and target alike; the loss is 0-dim, or their shape unreduced.

    Raises:
        ConfigError: ``reduction`` is unknown, or ``log_target`` neither True nor False.
        RangeError: a target is negative or NaN, unless it is a log-probability.
        ShapeError, DTypeError, DeviceError: input and target do not match.

    >>> loss = KLDivLoss("batchmean")
    >>> loss(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]))
    tensor(0.1308)
    >>> loss.backward()
    tensor([[-0.2500, -0.7500]])

    Reference: S. Kullback, R. Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22, 1951.
    """

    def __init__(
        self, reduction: Literal["batchmean", "mean", "sum", "none"] = "mean", log_target: bool = False
    ) -> None:
        check_choice("KLDivLoss", "reduction", reduction, ("batchmean", "mean", "sum", "none"))
        if not isinstance(log_target, bool):
            message = f"KLDivLoss: log_target must be True or False, not {log_target!r}"
            raise cn.ConfigError(message, name="log_target", value=log_target)
        super().__init__("mean" if reduction == "batchmean" else reduction)
        self._reduction = reduction  # as it was given
        self.of_rows = reduction == "batchmean"  # a mean over elements, times the number of elements in a row
        self.log_target = log_target

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: each reduction, of probabilities and their logarithms."""
        reductions = ("batchmean", "mean", "sum", "none")
        of_p = [cn.Case({"reduction": each}, (4, 3), (-3.0, -0.1), (0.0, 1.0)) for each in reductions]
        return of_p + [cn.Case({"reduction": each, "log_target": True}, (4, 3), (-3.0, -0.1)) for each in reductions]

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        if self.log_target:
            return self._scale(input) * (target.exp() * (target - input))
        return self._scale(input) * (self._entropy(target) - target * input)

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        return -self._scale(input) * (target.exp() if self.log_target else target)

    def probabilities(self, output: Tensor) -> Tensor:
        """Return ``e^output``, the probabilities."""
        return output.exp()

    def predictions(self, output: Tensor) -> Tensor:
        """Return what the targets are: probabilities, or their logarithms."""
        return output if self.log_target else output.exp()

    def check_values(self, input: Tensor, target: Tensor) -> None:
        wrong = target[~(target >= 0)]  # written so that NaN is refused
        if wrong.numel() and not self.log_target:
            hint = "of log-probabilities, use log_target=True"
            raise cn.RangeError(f"{self!r} takes targets that are no less than 0, got {wrong[0].item():g}; {hint}")

    def _entropy(self, target: Tensor) -> Tensor:
        """Return ``t log t``, 0 where t is 0."""
        return torch.where(target > 0, target * target.log(), 0)

    def _scale(self, input: Tensor) -> float:
        return input.numel() / len(input) if self.of_rows and input.dim() else 1.0

    def __repr__(self) -> str:
        reduction = "batchmean" if self.of_rows else self.reduction
        shown = [repr(reduction)] * (reduction != "mean") + ["log_target=True"] * self.log_target
        return f"KLDivLoss({', '.join(shown)})"
