"""The output of a model over the unit square, and where its class changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.errors import ConfigError, NonFiniteError, ShapeError


@dataclass(frozen=True)
class DecisionSurface:
    """The output of a model over the unit square, and the threshold where its class changes.

    Args:
        output: maps raw points ``(N, 2)``, float32 on the CPU, to one number a point, ``(N,)``.
        threshold: the class is 1 where the output is greater.
        low, high: the two target values, such as 0 and 1, or −1 and 1.

    Raises:
        ConfigError: not ``low < threshold < high``.

    >>> surface = DecisionSurface(lambda points: points[:, 1], threshold=0.5, low=0.0, high=1.0)
    >>> surface.grid(2, 3)
    tensor([[0.7500, 0.7500, 0.7500],
            [0.2500, 0.2500, 0.2500]])
    """

    output: Callable[[Tensor], Tensor]
    threshold: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.threshold < self.high:
            raise ConfigError(
                f"DecisionSurface needs low < threshold < high, got {self.low:g}, {self.threshold:g}, {self.high:g}",
                name="threshold",
                value=self.threshold,
            )

    def grid(self, rows: int, columns: int) -> Tensor:
        """Return the output ``(rows, columns)`` at the centres of equal cells of the square, the top row first.

        Raises:
            ShapeError: the output is not one number a point.
            NonFiniteError: the output is somewhere infinite or not a number.
        """
        y = 1 - (torch.arange(rows) + 0.5) / rows
        x = (torch.arange(columns) + 0.5) / columns
        points = torch.stack([x.expand(rows, columns), y.unsqueeze(1).expand(rows, columns)], dim=-1).reshape(-1, 2)
        output = self.output(points)
        if output.shape != points.shape[:1]:
            raise ShapeError("DecisionSurface", output.shape, f"expected one number a point, {tuple(points.shape[:1])}")
        if not output.isfinite().all():
            raise NonFiniteError(
                "the model's output is not finite everywhere in the unit square; check that its weights are"
            )
        return output.detach().float().cpu().reshape(rows, columns)

    def levels(self, output: Tensor) -> Tensor:
        """Return the output on a scale from −1 at ``low`` over 0 at the threshold to 1 at ``high``, clipped there."""
        above = output - self.threshold
        span = torch.where(above > 0, self.high - self.threshold, self.threshold - self.low)
        return (above / span).clamp(-1, 1)
