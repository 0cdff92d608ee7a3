"""Trains by recorded steps, and by many of them in one call where all of a step is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from torch import Tensor

from corenet.training.engines.chunks import Chunks, StepLoop
from corenet.training.engines.engine import Engine, Evaluation, Piece, Running
from corenet.training.engines.epochs import Epochs
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import RecordedUpdate, record_update
from corenet.training.engines.recording.recorder import Key, Lowering, key_of
from corenet.training.engines.replay import Replay
from corenet.training.engines.unsupported import LOG, NotYet, Reporter, Unsupported
from corenet.training.engines.whole_epochs import MakeEpochs, WholeEpochs
from corenet.training.learner import Learner


def _always() -> bool:
    return True


MakeLoop = Callable[[RecordedStep, RecordedUpdate, Learner], StepLoop]


class Kept(Protocol):
    """Loops that were verified for earlier learners."""

    def keep(self, chunks: Chunks, guards: Guards) -> None:
        """Keep a verified loop for later learners."""
        ...

    def resume(self, learner: Learner, batch: Key) -> tuple[Chunks, Guards] | None:
        """Return verified chunks of this very learner that still hold, and their guards, or None."""
        ...

    def knows(self, learner: Learner, batch: Key) -> bool:
        """Tell whether there is a loop of such a learner."""
        ...

    def recall(self, learner: Learner, batch: Key) -> StepLoop | None:
        """Return a loop for a learner like an earlier one, unverified, or None."""
        ...


class Chunked(Engine):
    """An engine whose fastest lowering has a loop over steps, made by ``make_loop``."""

    def __init__(
        self,
        learner: Learner,
        reporter: Reporter,
        lowerings: Sequence[Lowering],
        make_loop: MakeLoop,
        kept: Kept | None = None,
        make_epochs: MakeEpochs | None = None,
    ) -> None:
        super().__init__(learner)
        self._fastest, self._make_loop, self._reporter, self._kept = lowerings[0].running, make_loop, reporter, kept
        self._recalled: dict[Key, StepLoop | None] = {}
        self._single = Replay(learner, reporter, lowerings, self._recall)
        self._chunks: Chunks | None = None
        self._may_loop, self._may_make_loop = True, _always
        self._started_at = learner.optimizer.steps
        self._whole = None if make_epochs is None else WholeEpochs(make_epochs, self._single.recorder, reporter)
        self._epochs: Epochs | None = None

    @property
    def running(self) -> Running:
        """The name of what does the steps."""
        return self._single.running

    def max_epochs(self, points: int, batch_size: int, evaluation: Evaluation | None) -> int:
        """Return how many epochs of so many points it does in one call, as things stand, with an evaluation of each."""
        chunks = self._chunks if self._chunks is not None and self._chunks.verified else None
        steps, rest = divmod(points, batch_size)
        self._epochs = None
        if chunks is None or (evaluation is None and not rest):
            return 1 if chunks is None else max(1, chunks.max_steps // steps)
        of_rest = self._verified_rest(chunks, rest) if rest else None
        if self._whole is not None and steps and not (rest and of_rest is None):
            self._epochs = self._whole.of(chunks, steps, of_rest, evaluation)
        return self._epochs.loop.max_epochs if self._epochs is not None and self._epochs.verified else 1

    def _verified_rest(self, chunks: Chunks, size: int) -> RecordedStep | None:
        """Return the recorded step on what remains of an epoch, if it is verified."""
        like = chunks.loop.recorded
        recorded = self._single.recorder.steps.get(key_of(like.input[:size], like.target[:size]))
        return recorded if recorded is not None and recorded.verified else None

    def evaluate(self, evaluation: Evaluation) -> Sequence[Tensor]:
        """Return the numbers that are measured after an epoch."""
        return super().evaluate(evaluation) if self._whole is None else self._whole.numbers(evaluation)

    def refresh(self) -> None:
        """Look for changes: anybody's code may have run since the last step."""
        self._single.refresh()

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it."""
        if self._should_wait(input, target):
            return self.learner.step(input, target)
        return self._single.step(input, target)

    def _resume(self, input: Tensor, target: Tensor) -> None:
        """Go on with chunks that were verified in an earlier training of this very learner."""
        key = key_of(input, target)
        if self._kept is None or key in self._recalled or self._chunks is not None or self.running != self._fastest:
            return
        resumed = self._kept.resume(self.learner, key)
        if resumed is not None:
            self._chunks, guards = resumed
            self._recalled[key] = self._chunks.loop
            self._single.recorder.adopt(key, self._chunks.loop.recorded, guards)

    def _should_wait(self, input: Tensor, target: Tensor) -> bool:
        """Tell whether to wait with a loop that is kept: an optimizer may allocate its state in its first step."""
        is_first = self.learner.optimizer.steps == self._started_at
        return is_first and self._kept is not None and self._kept.knows(self.learner, key_of(input, target))

    def steps(self, inputs: Tensor, targets: Tensor, batch_size: int, epochs: int = 1) -> Iterator[Piece]:
        """Do a step on each batch, many of them in one call where that can be."""
        points = len(inputs) // epochs
        self._resume(inputs[:batch_size], targets[:batch_size])
        whole = self._whole_epochs(inputs, targets, batch_size, epochs)
        if whole is not None:
            yield from whole
            self._drop_refuted()
        else:
            for epoch in zip(inputs.split(points), targets.split(points), strict=True):
                yield from self._epoch(*epoch, batch_size)

    def _whole_epochs(self, inputs: Tensor, targets: Tensor, batch_size: int, epochs: int) -> Iterator[Piece] | None:
        """Return the steps of whole epochs in one call, or None if they cannot be done so."""
        steps, rest = divmod(len(inputs) // epochs, batch_size)
        chunks = self._chunks_for(inputs, targets, batch_size) if steps else None
        if chunks is None or not chunks.verified or not chunks.holds(epochs * (steps + bool(rest))):
            return None
        whole = self._epochs
        if whole is not None and whole.verified and whole.chunks is chunks and epochs <= whole.loop.max_epochs:
            return whole.run(inputs, targets, batch_size, epochs)
        if epochs > 1 and not rest and epochs * steps <= chunks.max_steps:
            return chunks.run(inputs, targets, batch_size, steps)
        return None

    def _epoch(self, inputs: Tensor, targets: Tensor, batch_size: int) -> Iterator[Piece]:
        """Do the steps of one epoch, or of a part of it."""
        points, start = len(inputs), 0
        last = points - batch_size - points % batch_size  # where its last whole batch begins
        while start < points:
            whole = (points - start) // batch_size
            chunks = self._chunks_for(inputs, targets, batch_size) if whole else None
            awaits_end = self._epochs is not None and self._epochs.awaits_steps and self._epochs.chunks is chunks
            count = 1 if chunks is None else min(whole - (awaits_end and whole > 1), chunks.max_steps)
            end = points if awaits_end and start == last else start + count * batch_size
            batches = inputs[start:end], targets[start:end], batch_size
            if chunks is None:
                yield from super().steps(*batches)
            elif not chunks.holds(count + awaits_end):
                self._chunks = None  # the rule does another thing by now, or soon
                yield from super().steps(*batches)
            elif self._epochs is not None and awaits_end and start == last:
                yield from self._epochs.verify(*batches)
            elif chunks.verified:
                yield from chunks.run(*batches, max(1, points // batch_size))
            else:
                yield from chunks.verify(*batches)
                self._judge(chunks)
            self._drop_refuted()
            start = end

    def _chunks_for(self, inputs: Tensor, targets: Tensor, batch_size: int) -> Chunks | None:
        """Return the chunks over batches of such data, or None if there are none (yet)."""
        if self.running != self._fastest or not self._may_loop:
            return None
        key = key_of(inputs[:batch_size], targets[:batch_size])
        recorded = self._single.recorder.steps.get(key)
        if recorded is None or not recorded.takes(inputs, targets):
            return None
        if self._chunks is None or not self._chunks.is_current(recorded):
            loop = self._recalled.get(key)
            if loop is not None and loop.recorded is recorded:
                self._chunks = Chunks(self.learner, loop)
            else:
                is_settled = recorded.verified and self.learner.optimizer.steps > self._started_at + 1
                is_settled = is_settled and self._may_make_loop()
                self._chunks = self._made(recorded) if is_settled else None
        return self._chunks

    def _recall(self, key: Key) -> RecordedStep | None:
        """Return the step of a loop that was verified for an earlier learner; it is asked for once."""
        if self._kept is None or key in self._recalled:
            return None
        loop = self._recalled[key] = self._kept.recall(self.learner, key)
        return None if loop is None else loop.recorded

    def _made(self, recorded: RecordedStep) -> Chunks | None:
        try:
            update = record_update(self.learner.optimizer)
            return Chunks(self.learner, self._make_loop(recorded, update, self.learner))
        except NotYet as wait:
            self._may_make_loop = wait.is_over
        except Exception as error:  # noqa: BLE001 - the reporter raises it where bugs are looked for
            self._loop_no_more(error)
        return None

    def _judge(self, chunks: Chunks) -> None:
        """Keep a loop that has just been verified for later learners."""
        guards = self._single.recorder.guards
        if self._kept is not None and chunks.verified and guards is not None:
            self._kept.keep(chunks, guards)

    def _drop_refuted(self) -> None:
        """Do without a loop that failed, or came to other weights than plain steps, as its step may too."""
        chunks = self._chunks
        if chunks is None or not chunks.refuted:
            return
        self._chunks = None
        if chunks.failure is None or chunks.loop.recorded.recalled:
            self._single.recorder.forget()
        if chunks.failure is not None:
            self._loop_no_more(chunks.failure)
        elif not chunks.loop.recorded.recalled:
            self._loop_no_more(Unsupported("running many steps per call gave different weights than single steps"))

    def _loop_no_more(self, error: Exception) -> None:
        self._chunks, self._may_loop = None, False
        if isinstance(error, Unsupported):
            LOG.info("using single steps: %s", error)  # by the same engine, so nobody asked for anything else
        else:
            self._reporter.bug("using single steps", error)
