"""Thinc's chain of layers. It has no SGD with momentum, so that is written here."""

from __future__ import annotations

import numpy as np
from thinc.api import Linear, Relu, chain

from benchmarks.problem import Problem


class Momentum:
    """PyTorch's SGD with momentum, over numpy arrays; Thinc calls it for each parameter by its key."""

    def __init__(self, lr: float, momentum: float) -> None:
        self.lr, self.momentum = np.float32(lr), np.float32(momentum)
        self.velocities: dict[object, np.ndarray] = {}

    def __call__(self, key: object, weights: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        velocity = self.velocities.setdefault(key, np.zeros_like(weights))
        velocity *= self.momentum
        velocity += gradient
        weights -= self.lr * velocity
        gradient.fill(0)
        return weights, gradient


class Contestant:
    def __init__(self, problem: Problem) -> None:
        self.settings, self.orders = problem.settings, problem.orders[0]
        self.inputs, self.targets = problem.inputs, problem.targets
        *hidden, last = problem.first(0)
        layers = [Relu(*weight.shape) for weight, _ in hidden] + [Linear(*last[0].shape)]
        self.model = chain(*layers).initialize(self.inputs, self.targets)
        for layer, (weight, bias) in zip(self.model.layers, problem.first(0), strict=True):
            layer.set_param("W", weight.copy())
            layer.set_param("b", bias.copy())
        self.optimizer = Momentum(self.settings.lr, self.settings.momentum)

    def train(self, epochs: int) -> None:
        size = self.settings.batch_size
        for order in self.orders[:epochs]:
            inputs, targets = self.inputs[order], self.targets[order]
            for start in range(0, len(inputs), size):
                target = targets[start : start + size]
                prediction, backward = self.model.begin_update(inputs[start : start + size])
                backward((prediction - target) * np.float32(2 / target.size))
                self.model.finish_update(self.optimizer)

    def weights(self) -> list[np.ndarray]:
        return [layer.get_param(name)[None] for layer in self.model.layers for name in ("W", "b")]
