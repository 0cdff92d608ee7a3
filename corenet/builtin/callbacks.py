"""Callbacks that stop a training, lower its rate, or keep its best weights; names and arguments are Keras's.

``monitor`` is a number of the epoch by its name in the columns of ``History.to_csv``: ``"loss"``, ``"valid_loss"``,
``"valid_error_rate"``. Whether a larger one is better is known for the loss and for every metric that is a component;
for a function ``mode="min"`` or ``mode="max"`` says it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from corenet.builtin.monitor import Mode, Monitor
from corenet.builtin.numbers import check_count, check_number, refusal
from corenet.contracts.callback import Callback, Training
from corenet.contracts.case import Case
from corenet.contracts.other_kinds import refuse_other_kind


class EarlyStopping(Callback):
    """End the training when a number has not become better for some epochs, with the best weights.

    Args:
        monitor: the number to look at.
        patience: how many epochs without a better one end the training.
        min_delta: by how much it must be better to count.
        mode: whether a smaller (``"min"``) or a larger one (``"max"``) is better.
        restore_best: put the weights of the best epoch back at the end, however the training ends. Those of model and
            loss are; the optimizer's state is not.

    ``best`` is the best value, ``best_epoch`` its epoch, ``stopped_epoch`` the epoch that ended the training, or None.

    Raises:
        ConfigError: ``patience`` is no positive integer, ``min_delta`` negative; or, as the training begins, it has no
            such number, or nobody knows which way is up.

    >>> import corenet as cn, torch
    >>> model, stopping = cn.Linear(2, 1), EarlyStopping("loss", patience=2)
    >>> data = cn.data.Dataset(torch.zeros(4, 2), torch.zeros(4, 1))
    >>> optimizer = cn.SGD(model.parameters(), lr=0.0)  # which learns nothing
    >>> history = cn.fit(
    ...     model, cn.MSELoss(), optimizer, data, epochs=9, batch_size=4, callbacks=[stopping], progress=False
    ... )
    >>> len(history), stopping.best_epoch
    (3, 1)
    """

    def __init__(
        self,
        monitor: str = "valid_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        mode: Mode = "auto",
        restore_best: bool = True,
    ) -> None:
        self._monitor = Monitor(self, monitor, mode, min_delta)
        check_count(self, "patience", patience)
        self.patience = patience
        self.restore_best = restore_best
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._weights: Any = None

    @property
    def best(self) -> float | None:
        """The best value so far; None before there is one."""
        return self._monitor.best

    def begin(self, training: Training) -> None:
        self._monitor.begin(training)
        self.best_epoch = self.stopped_epoch = self._weights = None
        self._waited = 0

    def after_epoch(self, training: Training) -> bool:
        if self._monitor.improves(training):
            self.best_epoch, self._waited = training.epoch, 0
            self._weights = training.weights() if self.restore_best else None
            return False
        self._waited += 1
        stops = self._waited >= self.patience
        self.stopped_epoch = training.epoch if stops else None
        return stops

    def end(self, training: Training) -> None:
        if self._weights is not None and self._waited:
            training.restore(self._weights)
        self._weights = None

    def state_dict(self) -> dict[str, Any]:
        epochs = {"best_epoch": self.best_epoch, "stopped_epoch": self.stopped_epoch}
        return {"best": self.best, **epochs, "waited": self._waited, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._monitor.best = state["best"]
        self.best_epoch, self.stopped_epoch = state["best_epoch"], state["stopped_epoch"]
        self._waited, self._weights = state["waited"], state["weights"]


class ReduceOnPlateau(Callback):
    """Lower the learning rate when a number has not become better for some epochs.

    Keras's ``ReduceLROnPlateau``.

    Args:
        monitor: the number to look at.
        factor: what the rate is multiplied by, below 1.
        patience: how many epochs without a better one lower the rate.
        mode: whether a smaller (``"min"``) or a larger one (``"max"``) is better.
        min_delta: by how much it must be better to count.
        cooldown: for how many epochs nothing is counted after that.
        min_lr: the rate does not fall below.

    Raises:
        ConfigError: a count is none, ``factor`` does not lie between 0 and 1, a number is negative; or, as the training
            begins, it has no such number, or nobody knows which way is up.

    >>> ReduceOnPlateau("valid_f1", patience=3).factor
    0.1
    """

    def __init__(
        self,
        monitor: str = "valid_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: Mode = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self._monitor = Monitor(self, monitor, mode, min_delta)
        check_number(self, "factor", factor, most=1.0)
        if factor in (0, 1):
            raise refusal(self, "factor", factor, "between 0 and 1")
        check_count(self, "patience", patience)
        check_count(self, "cooldown", cooldown, least=0)
        check_number(self, "min_lr", min_lr)
        self.factor, self.patience, self.cooldown, self.min_lr = factor, patience, cooldown, min_lr

    def begin(self, training: Training) -> None:
        self._monitor.begin(training)
        self._waited = self._cooling = 0

    def after_epoch(self, training: Training) -> None:
        is_better, is_cooling = self._monitor.improves(training), self._cooling > 0
        self._cooling -= is_cooling
        self._waited = 0 if is_better or is_cooling else self._waited + 1
        if self._waited >= self.patience:
            training.scale_lr(self.factor, self.min_lr)
            self._waited, self._cooling = 0, self.cooldown

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._monitor.best, "waited": self._waited, "cooling": self._cooling}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._monitor.best, self._waited, self._cooling = state["best"], state["waited"], state["cooling"]


class BestCheckpoint(Callback):
    """Save model, optimizer and loss after each epoch in which a number is the best so far.

    The file is that of :func:`~corenet.save`; it is written whole or not at all. Keras's ``ModelCheckpoint`` with
    ``save_best_only=True``.

    Args:
        path: the file; it is written over.
        monitor: the number to look at.
        mode: whether a smaller (``"min"``) or a larger one (``"max"``) is better.
        min_delta: by how much it must be better to count.

    Raises:
        ConfigError: as the training begins, it has no such number, or nobody knows which way is up.
        OutputError: the file cannot be written.

    >>> BestCheckpoint("best.safetensors", monitor="valid_error_rate").path.name
    'best.safetensors'
    """

    writes = True

    def __init__(
        self, path: str | Path, monitor: str = "valid_loss", mode: Mode = "auto", min_delta: float = 0.0
    ) -> None:
        refuse_other_kind("BestCheckpoint", path, (str, Path), "a path")
        self.path = Path(path)
        self._monitor = Monitor(self, monitor, mode, min_delta)
        self.best_epoch: int | None = None

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the case that it is checked on; its file goes nowhere."""
        return [Case({"path": os.devnull})]

    @property
    def best(self) -> float | None:
        """The best value so far; None before there is one."""
        return self._monitor.best

    def begin(self, training: Training) -> None:
        self._monitor.begin(training)
        self.best_epoch = None

    def after_epoch(self, training: Training) -> None:
        if self._monitor.improves(training):
            training.save(self.path)
            self.best_epoch = training.epoch

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._monitor.best, self.best_epoch = state["best"], state["best_epoch"]
