"""scikit-learn's MLPRegressor: all epochs' points in their order as one long pass, so that it calls itself but once.

Its loss is half the squared error, summed over the outputs: 2 / outputs is between its rate and ours.
"""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPRegressor

from benchmarks.problem import Problem


class Contestant:
    def __init__(self, problem: Problem) -> None:
        settings, self.orders = problem.settings, problem.orders[0]
        self.inputs, self.targets = problem.inputs, _flat(problem.targets)
        self.model = MLPRegressor(
            hidden_layer_sizes=settings.widths[1:-1],
            activation="relu",
            solver="sgd",
            alpha=0.0,
            batch_size=settings.batch_size,
            learning_rate_init=2 * settings.lr / settings.widths[-1],
            momentum=settings.momentum,
            nesterovs_momentum=False,
            shuffle=False,
        )
        self.model.partial_fit(self.inputs[: settings.batch_size], self.targets[: settings.batch_size])
        self._start_from(problem.first(0))

    def _start_from(self, layers: list[tuple[np.ndarray, np.ndarray]]) -> None:
        """Put the given weights in the place of its own, and forget the step that made it make them."""
        for (weight, bias), coefficients, intercepts in zip(
            layers, self.model.coefs_, self.model.intercepts_, strict=True
        ):
            coefficients[...], intercepts[...] = weight.T, bias
        for velocity in self.model._optimizer.velocities:
            velocity[...] = 0

    def train(self, epochs: int) -> None:
        order = self.orders[:epochs].ravel()
        self.model.partial_fit(self.inputs[order], self.targets[order])

    def weights(self) -> list[np.ndarray]:
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [array[None] for weight, bias in pairs for array in (weight.T, bias)]


def _flat(targets: np.ndarray) -> np.ndarray:
    return targets[:, 0] if targets.shape[1] == 1 else targets
