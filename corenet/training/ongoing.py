"""A training as its callbacks see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from corenet.history import History, columns
from corenet.training.epoch_metrics import Measures
from corenet.training.learner import Learner


class Ongoing:
    """What a callback sees of a training, and may do to it: see :class:`corenet.contracts.callback.Training`.

    Args:
        learner: what trains.
        measures: what is measured after each epoch.
        history: the records of the epochs so far; it grows.
        done: how many epochs were done before.
    """

    def __init__(self, learner: Learner, measures: Measures, history: History, done: int) -> None:
        self.model, self.loss, self.optimizer = learner.model, learner.loss, learner.optimizer
        self.history = history
        self._measures, self._done = measures, done

    @property
    def epoch(self) -> int:
        """The number of the last epoch that is done."""
        return self._done + len(self.history)

    @property
    def numbers(self) -> dict[str, Any]:
        """What the last epoch came to, by the names of the columns of its table."""
        return columns(self.history[-1])

    def sign(self, monitor: str) -> int:
        """Return 1 if a larger number of that name is better, -1 if a smaller one is, 0 if nobody knows."""
        return self._measures.sign(monitor)

    def scale_lr(self, factor: float, least: float = 0.0) -> None:
        """Multiply the learning rate of each group, to no less than ``least``; what is less already stays."""
        self.optimizer.lr = _scaled(self.optimizer.lr, factor, least)
        for group in self.optimizer.groups:
            if "lr" in group:
                group["lr"] = _scaled(group["lr"], factor, least)

    def weights(self) -> list[dict[str, Tensor]]:
        """Return a copy of what model and loss have learnt."""
        return [self.model.state_dict(), self.loss.state_dict()]

    def restore(self, weights: list[dict[str, Tensor]]) -> None:
        """Put back what :meth:`weights` returned."""
        of_model, of_loss = weights
        self.model.load_state_dict(of_model)
        self.loss.load_state_dict(of_loss)

    def save(self, path: str | Path) -> None:
        """Save model, optimizer and loss."""
        from corenet.checkpoint.saving import save  # few trainings do, and it leads to tables and their formats

        save(path, self.model, self.optimizer, loss=self.loss)


def _scaled(lr: float, factor: float, least: float) -> float:
    return max(lr * factor, min(least, lr))
