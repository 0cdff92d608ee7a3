"""The loop over epochs of a training that is saved as it goes, or that skips steps: one epoch at a time."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from corenet.contracts.loss import averages
from corenet.contracts.several import rows
from corenet.errors import CheckpointWarning, DataError, NonFiniteError, OutputError
from corenet.history import Epoch, History
from corenet.interrupted import Interrupted
from corenet.streamed_data import Block, StreamedDataset, blocks_of
from corenet.training.draws import drawing_on
from corenet.training.engines.engine import Piece
from corenet.training.going_on.checkpoints import Checkpoints, Found
from corenet.training.going_on.generators import generators, set_generators
from corenet.training.going_on.interruptions import Noted, noting_signals
from corenet.training.going_on.position import Position
from corenet.training.loop import Training, keeping, telling_of_memory
from corenet.training.ongoing import Ongoing
from corenet.training.progress import TRAINING, progress_for


@dataclass
class Course:
    """A training on its way, and what came of it in this process."""

    history: History
    position: Position
    ongoing: Ongoing
    noted: Noted
    epoch_began: Any = None  # the generators then, if the data are drawn from them
    epochs: int = 0
    steps: int = 0


@dataclass(frozen=True)
class SteadyTraining(Training):
    """What trains, on what, and where it is saved, if anywhere; ``found`` is what it goes on from."""

    checkpoints: Checkpoints | None = None
    found: Found | None = None

    def run(self, epochs: range, progress: bool | None, label: str = TRAINING) -> History:
        """Train for these epochs, or until a callback ends it, and return the history."""
        history, position = History(), Position(epochs.start)
        if self.found is not None:
            history, position = self.found.history, self.found.position
        learner = self.engine.learner
        ongoing = Ongoing(learner, self.measures, history, epochs.start)
        draws = drawing_on(learner.optimizer, self.seed, epochs, self.train.device, history)
        shown = progress_for(progress, epochs.stop, label, position.epoch)
        memory = telling_of_memory(self.batch_size)
        with keeping(history), self._telling(), memory, draws, shown as show, self._signals() as noted:
            course = Course(history, position, ongoing, noted)
            with self.callbacks.during(ongoing):
                self._go_on(course)
                while position.epoch < epochs.stop and not position.is_over:
                    self._steps(course)
                    if self.found is not None and not course.epochs:
                        self._compare_engine(self.found)
                    self._refuse_infinite_weights(position.epoch + 1)
                    measured = self.measures.after(position.record(), learner.model, self._evaluated(1))
                    record = self._settled(measured)
                    history.engine = self.engine.running
                    history.append(record)
                    show(record)
                    is_over = self._is_over(self.callbacks.after_epoch(ongoing))
                    position = course.position = Position(position.epoch + 1, is_over=is_over)
                    course.epochs += 1
                    self._look(course, is_last=position.epoch == epochs.stop or is_over)
            self._end_if_told(course)
        return history

    # What a training by several ranks does otherwise.

    def _signals(self) -> AbstractContextManager[Noted]:
        """Return what notes the signals that are to end it."""
        return nullcontext(Noted()) if self.checkpoints is None else noting_signals()

    def _settled(self, record: Epoch) -> Epoch:
        """Return the record of an epoch as the history has it."""
        return record

    def _is_over(self, is_over: bool) -> bool:
        """Return whether the training ends here, where its callbacks say so or not."""
        return is_over

    def _stream(self, train: StreamedDataset, position: Position) -> Iterator[Block]:
        """Yield the blocks of what remains of an epoch."""
        return blocks_of(train, self.batch_size, self.seed, position.epoch, position.points)

    # Inside.

    def _go_on(self, course: Course) -> None:
        """Let callbacks and generators be as they were in the checkpoint."""
        if self.found is not None:
            self.callbacks.load(self.found.callbacks, course.ongoing)
            set_generators(self.found.generators, self.train.device)

    def _compare_engine(self, found: Found) -> None:
        """Warn if the steps are done by something else than before."""
        if found.engine != self.engine.running:
            text = f"engine {self.engine.running!r} goes on, not {found.engine!r}: not bit for bit as {found.path} was"
            warnings.warn(text, CheckpointWarning, stacklevel=5)

    def _steps(self, course: Course) -> None:
        """Do the steps of an epoch, or what remains of it."""
        position, start = course.position, perf_counter()
        if not position.points:
            position.rate = self.engine.learner.optimizer.current_lr
        for inputs, targets, numbers in self._blocks(course):
            self.engine.refresh()  # metrics, and a data set of somebody else's, may have changed something
            before = position.points
            try:
                for piece in self.engine.steps(inputs, targets, self.batch_size):
                    self._add(course, piece)
                    position.seconds, start = position.seconds + perf_counter() - start, perf_counter()
                    if position.points < len(self.train):
                        self._look(course)
                        start = perf_counter()
            except NonFiniteError as error:
                done = position.points - before
                rest = rows(inputs, slice(done, None))
                self._say_where(error, position.epoch, position.points, rest, numbers()[done:])
                raise

    def _blocks(self, course: Course) -> Iterator[tuple[Any, Any, Callable[[], Any]]]:
        """Yield inputs and targets of what remains of the epoch, and what gives the numbers of their rows.

        Data that can no longer be read leave a checkpoint, to go on from when they can be again.
        """
        position = course.position
        if not isinstance(self.train, StreamedDataset):
            inputs, targets = self._data(course)
            rest = slice(position.points, None)
            yield rows(inputs, rest), rows(targets, rest), lambda: self.train.order(self.seed, position.epoch)[rest]
            return
        try:
            for block in self._stream(self.train, position):
                yield block.inputs, block.targets, partial(getattr, block, "rows")
        except (DataError, OutputError):
            if self.checkpoints is not None:
                self._save(course)
            raise

    def _data(self, course: Course) -> tuple[Any, Any]:
        """Return the data of the epoch in their order, drawn as they were when it began."""
        position, device = course.position, self.train.device
        if not self._augments:
            return self.train.shuffled(self.seed, position.epoch)
        began, now = None, generators(device)
        if self.found is not None and position is self.found.position and position.points:
            began = self.found.epoch_began or now
            set_generators(began, device)
        course.epoch_began = now if began is None else began
        data = self.train.shuffled(self.seed, position.epoch)
        if began is not None:
            set_generators(now, device)
        return data

    def _add(self, course: Course, piece: Piece) -> None:
        """Add the losses of a piece, step by step, so that it does not matter how an epoch was cut into pieces."""
        position, is_mean = course.position, averages(self.engine.learner.loss)
        for values, count in piece.losses:
            steps = -(-count // self.batch_size)
            weight = count / values.numel() if is_mean else 1
            for each in values.reshape(steps, -1).double().sum(1).tolist():
                position.total += weight * each
            course.steps += steps
        position.points += piece.points
        position.learnt += piece.learnt
        position.skipped += -(-piece.skipped // self.batch_size)

    def _look(self, course: Course, is_last: bool = False) -> None:
        """Save the training if it is time for that, and end it if it was told to stop.

        Raises:
            Interrupted: it was.
        """
        is_told = course.noted.signal is not None
        is_now = is_last or is_told
        if self.checkpoints is not None and (is_now or self.checkpoints.is_due(course.epochs, course.steps)):
            self._save(course)
        self._end_if_told(course)

    def _save(self, course: Course) -> None:
        assert self.checkpoints is not None, "it is saved"
        began = course.epoch_began if course.position.points else None
        callbacks = self.callbacks.state(course.ongoing)
        self.checkpoints.write(self.engine, course.history, course.position, callbacks, began)
        self.checkpoints.written(course.epochs, course.steps)

    def _end_if_told(self, course: Course) -> None:
        if self.checkpoints is not None and course.noted.signal is not None:
            name, where = signal.Signals(course.noted.signal).name, course.position.where(self.batch_size)
            message = f"{name}: stopped at {where}, saved as {self.checkpoints.last}; the same call of fit goes on"
            raise Interrupted(message, signal=course.noted.signal)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Let an error say from where the training can go on."""
        try:
            yield
        except Interrupted:
            raise
        except BaseException as error:
            if self.checkpoints is not None and self.checkpoints.last is not None:
                error.add_note(f"the same call of fit goes on from {self.checkpoints.last}")
            raise
