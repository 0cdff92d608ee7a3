"""The loop around the plain step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil
from operator import add
from time import perf_counter

import torch
from torch import Tensor

from corenet.contracts.loss import Loss, averages
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset, integer, positive_integer
from corenet.errors import ConfigError, NonFiniteError
from corenet.training.draws import drawing_on
from corenet.training.engines.engine import Engine, Piece
from corenet.training.engines.optimizer_adapter import learning_rates
from corenet.training.engines.select import EngineName, engine_for
from corenet.training.epoch_metrics import Measures, Metric
from corenet.training.finite import are_finite, refuse_infinite_weights
from corenet.training.history import Epoch, History
from corenet.training.learner import Learner
from corenet.training.ownership import refuse_foreign_optimizer
from corenet.training.progress import TRAINING, progress_for


def fit(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    train: Dataset,
    valid: Dataset | None = None,
    *,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    metrics: Sequence[Metric] | None = None,
    progress: bool | None = None,
    engine: EngineName = "auto",
    micro_batch_size: int | None = None,
    initial_epoch: int = 0,
) -> History:
    """Train ``model`` and return the history: :func:`~corenet.train_step` over shuffled batches.

    The same training as the loop spelled out, after ``torch.manual_seed(seed)``; with the plain engine bit for bit::

        for epoch in range(epochs):
            for input, target in train.batches(batch_size, seed, epoch):
                optimizer.zero_grad()
                loss(model(input), target)
                model.backward(loss.backward())
                optimizer.step()

    Args:
        model, loss, optimizer: what to train, by what, and how; the model ends in training mode.
        train: the data to learn from.
        valid: data to measure on after each epoch; never learnt from.
        epochs: passes over the data, those before ``initial_epoch`` included.
        batch_size: points a step; the last batch of an epoch may be smaller.
        seed: governs the order of the batches and, apart from it, what random layers
            draw. Weights are drawn where the model is made; torch's generator is left as it
            was. It is one for the whole process: two trainings in two threads would share it.
        metrics: functions ``(model, data) -> float`` to record after each epoch, by their
            names, no two of which may be the same. If None, :func:`~corenet.error_rate` where there is ``valid`` and
            the targets are classes. That and :func:`~corenet.accuracy` ask ``loss`` what outputs predict, and read
            the targets of ``valid`` by the coding of those of ``train``. The loss on ``valid`` is always recorded.
        progress: None (or True) shows a bar on a terminal and a few lines elsewhere, False nothing.
        engine: how steps are run. ``"plain"`` is the loop above. ``"replay"`` records the kernels of a step and
            replays them; ``"compiled"`` has the machine's C compiler make functions of them, and runs many steps in one
            call; ``"graph"`` does the like on a CUDA device by CUDA graphs, and is asked for by name only. All give
            the same numbers within the rounding of sums. ``"auto"`` takes the fastest that pays for itself in this many
            steps. What cannot be recorded is trained by the plain step, with a warning if the engine was asked for by
            name and a line in the log ``corenet`` if not; the history's ``engine`` says which ran.
        micro_batch_size: compute the gradients of a batch in pieces of so many points, which takes less memory
            and gives the same step within the rounding of sums. If None, ``"auto"`` cuts batches of more
            than 256 MB, where it finds that the pieces add up.
        initial_epoch: how many of the epochs are done already, as in Keras: ``fit(epochs=3)`` and then
            ``fit(epochs=6, initial_epoch=3)`` is the training of ``fit(epochs=6)``. Random layers go on where the
            first call left them if the second is made with the same optimizer and seed; after an optimizer was
            loaded from a file they draw from a new seed, which ``seed`` and ``initial_epoch`` give.

    Raises:
        ConfigError: a count is no positive integer, an argument is of another kind, two metrics have one name, the
            pieces of ``micro_batch_size`` do not add up, or there is no C compiler for ``engine="compiled"``, no CUDA
            device for ``engine="graph"``.
        DataError: error rate or accuracy is asked for, and the targets are no classes.
        StructureError: the optimizer was made for the parameters of another model.
        NonFiniteError: the loss or a gradient became infinite or not a number; the
            weights are those before that step.

    Whatever ends the training early, Ctrl-C included, has the epochs so far as its ``history``: that of
    ``except KeyboardInterrupt as error`` is ``error.history``, after one that a notebook shows it is
    ``sys.last_value.history``.

    >>> import corenet as cn
    >>> _ = torch.manual_seed(0)
    >>> model = cn.Sequential(cn.Linear(2, 25), cn.ReLU(), cn.Linear(25, 1), cn.Sigmoid())
    >>> optimizer = cn.SGD(model.parameters(), lr=0.5, momentum=0.9)
    >>> train = cn.data.disk(500, seed=0)
    >>> history = fit(model, cn.BCELoss(), optimizer, train, epochs=100, batch_size=50, progress=False)
    >>> history[-1].loss < 0.2
    True
    """
    positive_integer("epochs", epochs)
    positive_integer("batch_size", batch_size)
    integer("seed", seed)
    if micro_batch_size is not None:
        positive_integer("micro_batch_size", micro_batch_size)
    refuse_outside("initial_epoch", initial_epoch, epochs)
    refuse_wrong(model, loss, optimizer, train, valid)
    measures = Measures(metrics, loss, train, valid)
    learner = Learner(model, loss, optimizer)
    begin(model)
    running = engine_for(
        engine,
        learner,
        train,
        epochs=epochs - initial_epoch,
        batch_size=batch_size,
        micro_batch_size=micro_batch_size,
    )
    return Training(running, train, batch_size, seed, measures).run(range(initial_epoch, epochs), progress)


def begin(model: Module) -> None:
    """Let a model be as every training begins."""
    model.forget()  # a forward whose loss was refused leaves something saved
    model.train()


@dataclass(frozen=True)
class Training:
    """What trains, on what."""

    engine: Engine
    train: Dataset
    batch_size: int
    seed: int
    measures: Measures

    def run(self, epochs: range, progress: bool | None, label: str = TRAINING) -> History:
        """Train for these epochs and return the history."""
        history, optimizer = History(), self.engine.learner.optimizer
        draws = drawing_on(optimizer, self.seed, epochs, self.train.inputs.device)
        with keeping(history), draws, progress_for(progress, epochs.stop, label, epochs.start) as show:
            while len(history) < len(epochs):
                for record in self._epochs(epochs[len(history) : len(history) + self._at_once()]):
                    history.engine = self.engine.running
                    history.append(record)
                    show(record)
        return history

    def _at_once(self) -> int:
        """Return how many epochs may go by before somebody looks."""
        most = self.engine.max_epochs(len(self.train), self.batch_size, self.measures.of_outputs)
        augments = type(self.train).shuffled is not Dataset.shuffled  # and may draw what the model draws from
        return 1 if augments or self.measures.others else most

    def _epochs(self, epochs: range) -> Iterator[Epoch]:
        """Train for epochs and yield their records; those done in one call took the same part of its time."""
        size, points, optimizer = len(self.train), 0, self.engine.learner.optimizer
        totals, first, rate, start = [0.0], optimizer.steps, optimizer.current_lr, perf_counter()
        for piece in self._pieces(epochs):
            totals = list(map(add, totals * piece.epochs, self._losses(piece)))
            points += piece.points
            if points % size:
                continue
            seconds = (perf_counter() - start) / piece.epochs
            ended = epochs[points // size - piece.epochs : points // size]
            if not are_finite(optimizer.layout.weights()):
                refuse_infinite_weights(self.engine.learner.model, ended[-1] + 1)
            steps = ceil(size / self.batch_size)
            rates = [rate, *learning_rates(optimizer, range(first, optimizer.steps, steps)[1:])]
            measured = None if piece.measured is None else list(zip(*map(Tensor.tolist, piece.measured), strict=True))
            for place, epoch in enumerate(ended):
                record = Epoch(epoch + 1, totals[place] / size, rates[place], seconds)
                numbers = self._evaluated(len(epochs)) if measured is None else measured[place]
                yield self.measures.after(record, self.engine.learner.model, numbers)
            totals, first, rate, start = [0.0], optimizer.steps, optimizer.current_lr, perf_counter()

    def _losses(self, piece: Piece) -> list[float]:
        """Return the sum of the losses of all points, for each epoch of a piece."""
        totals, is_mean = [0.0] * piece.epochs, averages(self.engine.learner.loss)
        for values, count in piece.losses:
            weight = count / values.numel() if is_mean else 1
            totals = [total + weight * part for total, part in zip(totals, _sums(values, piece.epochs), strict=True)]
        return totals

    def _evaluated(self, epochs: int) -> Sequence[float]:
        """Return what is measured of outputs now."""
        if self.measures.of_outputs is None:
            return []
        numbers: list[float] = list(map(Tensor.item, self.engine.evaluate(self.measures.of_outputs)))
        if epochs > 1:
            self.engine.refresh()  # the model's code has run between two epochs that were to be one call
        return numbers

    def _pieces(self, epochs: range) -> Iterator[Piece]:
        """Yield what the engine does; an error of its says where."""
        points, data = 0, self.train.shuffled(self.seed, *epochs)
        self.engine.refresh()  # metrics, and a data set of somebody else's, may have changed something
        try:
            for piece in self.engine.steps(*data, self.batch_size, len(epochs)):
                yield piece
                points += piece.points
        except NonFiniteError as error:
            error.epoch = epochs[points // len(self.train)] + 1
            error.step = points % len(self.train) // self.batch_size + 1
            raise


def _sums(value: Tensor, parts: int) -> list[float]:
    """Return the sum of each of so many equal parts."""
    return value.reshape(parts, -1).sum(1, dtype=torch.float64).tolist() if value.dim() else [value.item()]


def refuse_wrong(model: Module, loss: Loss, optimizer: Optimizer, train: Dataset, valid: Dataset | None) -> None:
    """Refuse arguments of other kinds, and the optimizer of another model."""
    arguments = [(model, Module), (loss, Loss), (optimizer, Optimizer), (train, Dataset)]
    for value, kind in arguments if valid is None else [*arguments, (valid, Dataset)]:
        if not isinstance(value, kind):
            hint = f"; write {value.__name__}(...)" if isinstance(value, type) else ""
            raise ConfigError(f"fit takes a {kind.__name__} here, not {value!r:.80}{hint}", value=value)
    refuse_foreign_optimizer(model, optimizer)


def refuse_outside(name: str, epoch: int, epochs: int) -> None:
    """Refuse an epoch that is none from 0 to the last."""
    integer(name, epoch)
    if not 0 <= epoch <= epochs:
        raise ConfigError(f"{name} must lie between 0 and epochs, {epochs}, not {epoch}", name=name, value=epoch)


@contextmanager
def keeping(history: History) -> Iterator[None]:
    """Let whatever ends a training early have the history so far as its ``history``."""
    try:
        yield
    except BaseException as error:
        with suppress(AttributeError, TypeError):  # an exception that has no room for it
            error.history = history  # type: ignore[attr-defined]
            if history:
                error.add_note(f"{len(history)} epochs were done before: see error.history, or sys.last_value.history")
        raise
