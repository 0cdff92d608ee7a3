"""The contract of a callback: what is done before a training, after each of its epochs, and at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer


class Training(Protocol):
    """What a callback sees of a training, and may do to it."""

    model: Module
    loss: Loss
    optimizer: Optimizer

    @property
    def history(self) -> Sequence[Any]:
        """The records of the epochs so far."""
        ...

    @property
    def epoch(self) -> int:
        """The number of the last epoch that is done; 0 before the first."""
        ...

    @property
    def numbers(self) -> dict[str, Any]:
        """What the last epoch came to, by the names of ``History.to_csv``: ``loss``, ``lr``, ``valid_loss``, ..."""
        ...

    def sign(self, monitor: str) -> int:
        """Return 1 if a larger ``monitor`` is better, -1 if a smaller one is, 0 if that is not known.

        Raises:
            ConfigError: no epoch has such a number.
        """
        ...

    def scale_lr(self, factor: float, least: float = 0.0) -> None:
        """Multiply the learning rate of each group, to no less than ``least``; what is less already stays."""
        ...

    def weights(self) -> Any:
        """Return a copy of what the model and the loss have learnt, to be put back by :meth:`restore`."""
        ...

    def restore(self, weights: Any) -> None:
        """Put back what :meth:`weights` returned."""
        ...

    def save(self, path: str | Path) -> None:
        """Save model, optimizer and loss, as :func:`~corenet.save` does."""
        ...


class Callback:
    """What is done in the course of a training, beside it: :func:`~corenet.fit` takes a list of these.

    A subclass writes any of the three methods. All get the same ``training``, which has ``model``, ``loss``,
    ``optimizer``, ``history`` and ``epoch``. A training that ends by an error, or by Ctrl-C, has its ``end`` too.

    One that remembers something from epoch to epoch says it in ``state_dict`` and takes it back in ``load_state_dict``,
    as a module does, so that a training goes on from a checkpoint as if it had never stopped: there a new callback is
    begun, with the epochs before in ``training.history``, and then given the state of the old one.

    One that writes files, and changes nothing of the training, says so by ``writes = True``: where several processes
    share a training out (``fit(distributed=True)``), the first alone calls it. Any other is called in each of them.

    >>> class StopsAt(Callback):
    ...     def __init__(self, loss: float):
    ...         self.loss = loss
    ...     def after_epoch(self, training):
    ...         return training.history[-1].loss <= self.loss
    """

    writes: ClassVar[bool] = False

    def begin(self, training: Training) -> None:
        """Do something before the first epoch."""

    def after_epoch(self, training: Training) -> bool | None:
        """Do something after an epoch, and return True to end the training here."""
        return None

    def end(self, training: Training) -> None:
        """Do something after the last epoch, however it came to be the last."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it remembers: numbers, text, True, False and None, tensors, and lists, tuples, dicts of these."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` of another one returned, after ``begin``."""
