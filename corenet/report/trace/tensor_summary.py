"""A tensor summarised: shape, norm, range, mean and histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from corenet.testing.gradcheck.report import finite_or_none

BINS = 24
FEW = 64  # numbers that are kept as they are


@dataclass(frozen=True)
class TensorSummary:
    """The shape of a tensor, its Euclidean norm, and the distribution of its values.

    ``histogram`` counts the values in 24 equal intervals from ``min`` to ``max``. An empty
    tensor has no extremes and no mean: they are NaN. ``values`` are the numbers themselves, row after row,
    of a tensor of 64 at most, and None of a larger one.

    >>> summary = TensorSummary.of(torch.tensor([[3.0, -4.0]]))
    >>> summary.shape, summary.norm, summary.mean
    ((1, 2), 5.0, -0.5)
    """

    shape: tuple[int, ...]
    norm: float
    min: float
    mean: float
    max: float
    histogram: tuple[int, ...]
    values: tuple[float, ...] | None = None

    @classmethod
    def of(cls, tensor: Tensor) -> TensorSummary:
        """Return the summary of ``tensor``, computed in float64."""
        shape, values = tuple(tensor.shape), tensor.detach().double().cpu().reshape(-1)
        if not len(values):
            return cls(shape, 0.0, math.nan, math.nan, math.nan, (), ())
        low, high = (extreme.item() for extreme in values.aminmax())
        few = tuple(values.tolist()) if len(values) <= FEW else None
        return cls(shape, values.norm().item(), low, values.mean().item(), high, _histogram(values, low, high), few)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values, for JSON."""
        few = None if self.values is None else [finite_or_none(each) for each in self.values]
        return {name: finite_or_none(value) for name, value in vars(self).items()} | {"values": few}


def _histogram(values: Tensor, low: float, high: float) -> tuple[int, ...]:
    if not (math.isfinite(low) and math.isfinite(high)):
        return ()
    return tuple(int(count) for count in torch.histc(values, BINS, low, high).tolist())
