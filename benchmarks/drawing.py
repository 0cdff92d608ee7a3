"""A problem from its settings: drawn once, by the runner, for all contestants.

The orders are those of ``cn.data.Dataset.batches``, so that ``cn.fit`` can shuffle by itself and all agree.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

import corenet as cn
from benchmarks.problem import Problem, Settings


def draw(settings: Settings) -> Problem:
    random = np.random.default_rng(0)
    inputs = random.random((settings.points, settings.widths[0]), dtype=np.float32)
    return Problem(settings, inputs, _targets(inputs, settings.widths[-1]), _orders(settings), _weights(settings))


def _targets(inputs: np.ndarray, width: int) -> np.ndarray:
    """Return a smooth function of the inputs for each output: something that can be learnt."""
    frequencies = np.linspace(1, 3, width, dtype=np.float32)
    return np.sin(inputs.mean(1, keepdims=True) * frequencies * np.float32(np.pi))


def _orders(settings: Settings) -> np.ndarray:
    points = torch.arange(settings.points)
    data = cn.data.Dataset(torch.zeros(settings.points, 1), points)
    orders = np.empty((settings.rounds, settings.epochs, settings.points), dtype=np.int32)
    for round, epoch in np.ndindex(settings.rounds, settings.epochs):
        ((_, order),) = data.batches(settings.points, seed=round, epoch=epoch)
        orders[round, epoch] = order
    return orders


def _weights(settings: Settings) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    weights = []
    for fan_in, fan_out in pairwise(settings.widths):
        bound = fan_in**-0.5
        shapes = (settings.rounds, fan_out, fan_in), (settings.rounds, fan_out)
        weights += [random.uniform(-bound, bound, shape).astype(np.float32) for shape in shapes]
    return weights
