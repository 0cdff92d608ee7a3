"""Trains by recorded steps, and by many of them in one call where every kernel of a step can be compiled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from corenet.contracts.several import Tensors, count, rows
from corenet.data import pieces
from corenet.training.engines.chunks import Chunks
from corenet.training.engines.engine import Engine, Evaluation, Piece, Running
from corenet.training.engines.epochs import Epochs
from corenet.training.engines.loops import Kept, Loops, MakeLoop
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorder import Key, Lowering, first_batch, key_of
from corenet.training.engines.replay import Replay
from corenet.training.engines.unsupported import Reporter
from corenet.training.engines.whole_epochs import MakeEpochs, WholeEpochs
from corenet.training.learner import Learner


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
        self._fastest, self._loops = lowerings[0].running, Loops(learner, make_loop, kept, reporter)
        self._single = Replay(learner, reporter, lowerings, self._loops.recall)
        self._whole = None if make_epochs is None else WholeEpochs(make_epochs, self._single.recorder, reporter, kept)
        self._chunks: Chunks | None = None
        self._epochs: Epochs | None = None
        self._rest: RecordedStep | None = None

    @property
    def running(self) -> Running:
        """The name of what does the steps."""
        return self._single.running

    def max_epochs(self, points: int, batch_size: int, evaluation: Evaluation | None) -> int:
        """Return how many epochs of ``points`` points it can do in one call now, with an evaluation after each."""
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
        recorded = self._single.recorder.steps.get(first_batch(like.input, like.target, size))
        if recorded is None or not recorded.verified:
            return None
        if recorded is not self._rest and self._single.recorder.guards is not None:
            self._rest = recorded
            self._loops.keep_rest(recorded, self._single.recorder.guards)
        return recorded

    def evaluate(self, evaluation: Evaluation) -> Sequence[Tensor]:
        """Return the numbers that are measured after an epoch."""
        return super().evaluate(evaluation) if self._whole is None else self._whole.numbers(evaluation)

    def refresh(self) -> None:
        """Look for changes: a user's code may have run since the last step."""
        self._single.refresh()

    def step(self, input: Tensors, target: Tensors) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it."""
        if self._loops.is_at_hand(key_of(input, target)):
            return self.learner.step(input, target)
        return self._single.step(input, target)

    def _resume(self, batch: Key) -> None:
        """Go on with chunks that were verified in an earlier training of this very learner."""
        if self._chunks is not None or self.running != self._fastest:
            return
        resumed = self._loops.resumed(batch)
        if resumed is not None:
            self._chunks, guards = resumed
            self._single.recorder.adopt(batch, self._chunks.loop.recorded, guards)

    def steps(self, inputs: Tensors, targets: Tensors, batch_size: int, epochs: int = 1) -> Iterator[Piece]:
        """Do a step on each batch, many of them in one call where that can be."""
        points = count(inputs) // epochs
        self._resume(first_batch(inputs, targets, batch_size))
        whole = self._whole_epochs(inputs, targets, batch_size, epochs)
        if whole is not None:
            yield from whole
            self._drop_refuted()
        else:
            for epoch in zip(pieces(inputs, points), pieces(targets, points), strict=True):
                yield from self._epoch(*epoch, batch_size)

    def _whole_epochs(self, inputs: Tensors, targets: Tensors, batch_size: int, epochs: int) -> Iterator[Piece] | None:
        """Return the steps of whole epochs in one call, or None if they cannot be done so."""
        steps, rest = divmod(count(inputs) // epochs, batch_size)
        chunks = self._chunks_for(inputs, targets, batch_size) if steps else None
        if chunks is None or not chunks.verified or not chunks.holds(epochs * (steps + bool(rest))):
            return None
        whole = self._epochs
        if whole is not None and whole.verified and whole.chunks is chunks and epochs <= whole.loop.max_epochs:
            return whole.run(inputs, targets, batch_size, epochs)
        if epochs > 1 and not rest and epochs * steps <= chunks.max_steps:
            return chunks.run(inputs, targets, batch_size, steps)
        return None

    def _epoch(self, inputs: Tensors, targets: Tensors, batch_size: int) -> Iterator[Piece]:
        """Do the steps of one epoch, or of a part of it."""
        points, start = count(inputs), 0
        last = points - batch_size - points % batch_size  # where its last whole batch begins
        while start < points:
            whole = (points - start) // batch_size
            chunks = self._chunks_for(inputs, targets, batch_size) if whole else None
            awaits_end = self._epochs is not None and self._epochs.awaits_steps and self._epochs.chunks is chunks
            steps = 1 if chunks is None else min(whole - (awaits_end and whole > 1), chunks.max_steps)
            end = points if awaits_end and start == last else start + steps * batch_size
            part = slice(start, end)
            batches = rows(inputs, part), rows(targets, part), batch_size
            if chunks is None:
                yield from super().steps(*batches)
            elif not chunks.holds(steps + awaits_end):
                self._chunks = None  # the rule does another thing by now, or soon
                yield from super().steps(*batches)
            elif self._epochs is not None and awaits_end and start == last:
                yield from self._epochs.verify(*batches)
            elif chunks.verified:
                yield from chunks.run(*batches, max(1, points // batch_size))
            else:
                yield from chunks.verify(*batches)
                if chunks.verified and self._single.recorder.guards is not None:
                    self._loops.keep(chunks, self._single.recorder.guards)
            self._drop_refuted()
            start = end

    def _chunks_for(self, inputs: Tensors, targets: Tensors, batch_size: int) -> Chunks | None:
        """Return the chunks over batches of such data, or None if there are none (yet)."""
        if self.running != self._fastest or self._loops.refused:
            return None
        batch = first_batch(inputs, targets, batch_size)
        recorded = self._single.recorder.steps.get(batch)
        if recorded is None or not recorded.takes(inputs, targets):
            return None
        if self._chunks is None or not self._chunks.is_current(recorded):
            self._chunks = self._loops.chunks_of(recorded, batch)
        return self._chunks

    def _drop_refuted(self) -> None:
        """Do without a loop that failed, or came to other weights than plain steps, as its step may too."""
        chunks = self._chunks
        if chunks is None or not chunks.refuted:
            return
        self._chunks = None
        if chunks.failure is None or chunks.loop.recorded.recalled:
            self._single.recorder.forget()
        if chunks.failure is not None:
            self._loops.refuse(chunks.failure)
        elif not chunks.loop.recorded.recalled:
            self._loops.refuse(chunks.refutation)
