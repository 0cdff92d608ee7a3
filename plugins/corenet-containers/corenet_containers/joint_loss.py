"""A loss for each output of a model, in one number."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import corenet as cn
from torch import Tensor

from corenet_containers.drawing import normal


class JointLoss(cn.Loss):
    r"""A weighted sum of losses, one for each output: ``L = Σᵢ wᵢ Lᵢ(xᵢ, tᵢ)``, with ``dxᵢ = wᵢ · ∂Lᵢ/∂xᵢ``.

    Args:
        losses: L₁, …, Lₖ, each of which gives one number.
        weights: w₁, …, wₖ, finite; each 1 if None.

    Shape: a tuple of k outputs and a tuple of k targets, to ``()``.

    Raises:
        StructureError: an argument is no loss, there is none, or there are more or fewer outputs or targets
            than losses.
        ConfigError: there is not a finite weight for each.

    >>> import torch
    >>> loss = JointLoss(cn.MSELoss(), cn.MAELoss(), weights=(1.0, 0.5))
    >>> loss((torch.tensor([3.0]), torch.tensor([4.0])), (torch.tensor([1.0]), torch.tensor([0.0])))
    tensor(6.)
    >>> loss.backward()
    (tensor([4.]), tensor([0.5000]))

    Reference: R. Caruana, "Multitask learning", Machine Learning 28, 1997.
    """

    def __init__(self, *losses: cn.Loss, weights: Sequence[float] | None = None) -> None:
        if not losses or not all(isinstance(loss, cn.Loss) for loss in losses):
            raise cn.StructureError(f"JointLoss takes losses, at least one, not {losses!r}")
        self.losses = losses
        if weights is not None and not isinstance(weights, Sequence):
            raise cn.ConfigError(f"JointLoss: weights are a list, not {weights!r:.80}", name="weights", value=weights)
        self.weights = (1.0,) * len(losses) if weights is None else tuple(weights)
        if len(self.weights) != len(losses) or not all(map(isfinite, self.weights)):
            raise cn.ConfigError(
                f"JointLoss of {len(losses)} losses takes a finite weight for each, not {weights!r}",
                name="weights",
                value=weights,
            )

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: one loss, and several with weights."""
        two, three = ((5, 2), (5, 1)), ((4, 3), (4, 1), (4,))
        losses = cn.MSELoss(), cn.MAELoss(), cn.MSELoss()
        return [
            cn.Case(args=losses[:2], inputs=normal(*two), targets=normal(*two)),
            cn.Case({"weights": (0.5, 2.0, -1.5)}, args=losses, inputs=normal(*three), targets=normal(*three)),
        ]

    def forward(self, input: tuple[Tensor, ...], target: tuple[Tensor, ...]) -> Tensor:
        parts = zip(self.weights, self.losses, input, target, strict=True)
        first, *others = [weight * loss.evaluate(*pair) for weight, loss, *pair in parts]
        return sum(others, start=first)

    def backward(self) -> tuple[Tensor, ...]:
        return tuple([weight * loss.backward() for weight, loss in zip(self.weights, self.losses, strict=True)])

    def check(self, input: Any, target: Any) -> None:
        for name, values in (("outputs", input), ("targets", target)):
            count = len(values) if isinstance(values, tuple) else 1
            if count != len(self.losses) or not isinstance(values, tuple):
                raise cn.StructureError(f"{self!r} takes a tuple of {len(self.losses)} {name}, got {count}")
        for loss, *pair in zip(self.losses, input, target, strict=True):
            loss.check(*pair)

    def check_values(self, input: Any, target: Any) -> None:
        for loss, *pair in zip(self.losses, input, target, strict=True):
            loss.check_values(*pair)

    def __repr__(self) -> str:
        return f"JointLoss({', '.join(map(repr, self.losses))})"
