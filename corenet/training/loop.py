"""The loop over epochs: steps by an engine, what is measured after each epoch, and the record of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from operator import add
from time import perf_counter

import torch
from torch import Tensor

from corenet.contracts.loss import averages
from corenet.contracts.several import Tensors, rows
from corenet.data import Dataset
from corenet.errors import NonFiniteError, OutOfMemoryError
from corenet.history import Epoch, History
from corenet.streamed_data import StreamedDataset, blocks_of
from corenet.training.callbacks import Callbacks
from corenet.training.draws import drawing_on
from corenet.training.engines.engine import Engine, Piece
from corenet.training.engines.optimizer_adapter import learning_rates
from corenet.training.epoch_metrics import Measures
from corenet.training.evidence import evidence
from corenet.training.finite import are_finite, refuse_infinite_weights
from corenet.training.ongoing import Ongoing
from corenet.training.progress import TRAINING, progress_for

ROWS = 10  # of a batch in a message


@dataclass(frozen=True)
class Training:
    """What trains, on what."""

    engine: Engine
    train: Dataset
    batch_size: int
    seed: int
    measures: Measures
    callbacks: Callbacks = field(default_factory=Callbacks)

    def run(self, epochs: range, progress: bool | None, label: str = TRAINING) -> History:
        """Train for these epochs, or until a callback ends it, and return the history."""
        history, learner, stopped = History(), self.engine.learner, False
        ongoing = Ongoing(learner, self.measures, history, epochs.start)
        draws = drawing_on(learner.optimizer, self.seed, epochs, self.train.device, history)
        shown = progress_for(progress, epochs.stop, label, epochs.start)
        with keeping(history), telling_of_memory(self.batch_size), draws, shown as show, self.callbacks.during(ongoing):
            while len(history) < len(epochs) and not stopped:
                for record in self._epochs(epochs[len(history) : len(history) + self._at_once()]):
                    history.engine = self.engine.running
                    history.append(record)
                    show(record)
                stopped = self.callbacks.after_epoch(ongoing)
        return history

    def _at_once(self) -> int:
        """Return how many epochs may go by before somebody looks."""
        most = self.engine.max_epochs(len(self.train), self.batch_size, self.measures.of_outputs)
        return 1 if self._augments or self.measures.others or self.callbacks else most

    @property
    def _augments(self) -> bool:
        """Whether the data set may draw what the model draws from, or change what it reads."""
        return type(self.train).shuffled is not Dataset.shuffled

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
            self._refuse_infinite_weights(ended[-1] + 1)
            steps = ceil(size / self.batch_size)
            rates = [rate, *learning_rates(optimizer, range(first, optimizer.steps, steps)[1:])]
            measured = None if piece.measured is None else list(zip(*map(Tensor.tolist, piece.measured), strict=True))
            for place, epoch in enumerate(ended):
                record = Epoch(epoch + 1, totals[place] / size, rates[place], seconds)
                numbers = self._evaluated(len(epochs)) if measured is None else measured[place]
                yield self.measures.after(record, self.engine.learner.model, numbers)
            if points < size * len(epochs):  # a schedule need not go on behind the last step
                totals, first, rate, start = [0.0], optimizer.steps, optimizer.current_lr, perf_counter()

    def _refuse_infinite_weights(self, epoch: int) -> None:
        learner = self.engine.learner
        if not are_finite(learner.optimizer.layout.weights()):
            refuse_infinite_weights(learner.model, epoch)
            refuse_infinite_weights(learner.loss, epoch)

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
        if isinstance(self.train, StreamedDataset):
            yield from self._streamed_pieces(self.train, epochs[0])
            return
        points, data = 0, self.train.shuffled(self.seed, *epochs)
        self.engine.refresh()  # metrics, and a data set of somebody else's, may have changed something
        try:
            for piece in self.engine.steps(*data, self.batch_size, len(epochs)):
                yield piece
                points += piece.points
        except NonFiniteError as error:
            epoch, order = epochs[points // len(self.train)], self.train.order
            start = points % len(self.train)
            rest = rows(data[0], slice(points, None))
            self._say_where(error, epoch, start, rest, order(self.seed, epoch)[start:])
            raise

    def _streamed_pieces(self, train: StreamedDataset, epoch: int) -> Iterator[Piece]:
        """Yield what the engine does on block after block of an epoch."""
        points = 0
        for block in blocks_of(train, self.batch_size, self.seed, epoch):
            self.engine.refresh()  # somebody's code has read the block
            done = 0
            try:
                for piece in self.engine.steps(block.inputs, block.targets, self.batch_size):
                    yield piece
                    done += piece.points
            except NonFiniteError as error:
                self._say_where(error, epoch, points + done, rows(block.inputs, slice(done, None)), block.rows[done:])
                raise
            points += done

    def _say_where(self, error: NonFiniteError, epoch: int, points: int, rest: Tensors, order: Tensor) -> None:
        """Let an error say its step, the rows of its batch, and which layer's numbers were the first that went wrong.

        ``points`` of the epoch went by; ``rest`` are the inputs of those to come, ``order`` the numbers of their rows.
        """
        error.epoch, error.step = epoch + 1, points // self.batch_size + 1
        error.rows = order[: self.batch_size].tolist()
        told = ", ".join(map(str, error.rows[:ROWS])) + (", …" if len(error.rows) > ROWS else "")
        found = evidence(self.engine.learner, rows(rest, slice(min(self.batch_size, len(order)))))
        error.evidence = f"{found}; rows {told} of the data"


def _sums(value: Tensor, parts: int) -> list[float]:
    """Return the sum of each of so many equal parts."""
    return value.reshape(parts, -1).sum(1, dtype=torch.float64).tolist() if value.dim() else [value.item()]


NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # as torch says it


@contextmanager
def telling_of_memory(batch_size: int) -> Iterator[None]:
    """Let torch's errors about memory be one that says what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(each in str(error) for each in NO_MEMORY):
            raise
        text = f"there is not enough memory for batches of {batch_size} points; lower batch_size or micro_batch_size"
        raise OutOfMemoryError(text) from error


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
