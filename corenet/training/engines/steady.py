"""An engine whose steps come to the same numbers wherever a training is left and goes on.

The other engines record, verify and compile in the course of a training: its first steps are plain ones, and plain,
replayed and compiled steps differ by the rounding of sums. A training that went on from a file would begin with plain
steps again, and end elsewhere in the last digits. Here all of that is done on steps that are taken back. So which
kernels do a step is a matter of the state that it starts from, and of nothing before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TypeGuard

from torch import Tensor

from corenet.contracts.several import Tensors, count, rows
from corenet.data import pieces
from corenet.errors import CorenetError
from corenet.training.engines.chunks import VERIFIED_BY, Chunks
from corenet.training.engines.engine import Engine, Piece, Running
from corenet.training.engines.loops import MakeLoop
from corenet.training.engines.plain import Plain
from corenet.training.engines.recording.lowering import KernelCalls
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import record_update
from corenet.training.engines.recording.recorder import Key, Lowering, first_batch
from corenet.training.engines.rehearsal import set_stage, taken_back
from corenet.training.engines.replay import Replay
from corenet.training.engines.unsupported import LOG, NotRecordable, Reporter, Unsupported
from corenet.training.learner import Learner

BATCHES = 4  # that steps are rehearsed on, in turn
REHEARSALS = 8  # steps at most, until one is recorded and verified
PASSED_BY = (CorenetError, ArithmeticError, LookupError, RuntimeError, ValueError)  # the step itself meets them, if due


class Steady(Engine):
    """Trains by recorded steps, and by loops over them if ``make_loop`` makes some, ready before the first is done.

    ``data`` are inputs and targets to make ready on.

    The first step of an optimizer is a plain one: many a rule does another thing there, and makes its state.
    """

    def __init__(
        self,
        learner: Learner,
        reporter: Reporter,
        data: tuple[Tensors, Tensors],
        lowerings: Sequence[Lowering] = (KernelCalls(),),
        make_loop: MakeLoop | None = None,
        skips: bool = False,
    ) -> None:
        super().__init__(learner, skips)
        self._reporter, self._data, self._make_loop, self._fastest = reporter, data, make_loop, lowerings[0].running
        self._single, self._plain = Replay(learner, reporter, lowerings), Plain(learner, skips)
        self._chunks: dict[Key, list[Chunks]] = {}  # those of one shape differ in what the rule does, by the step

    @property
    def running(self) -> Running:
        """The name of what does the steps."""
        return self._single.running

    @property
    def has_loops(self) -> bool:
        """Whether it does many steps in one call, as far as it is known by now."""
        return self._make_loop is not None and self.running == self._fastest

    def refresh(self) -> None:
        """Look for changes: a user's code may have run since the last step."""
        self._single.refresh()

    def step(self, input: Tensors, target: Tensors) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it."""
        return self._single.step(input, target)

    def steps(self, inputs: Tensors, targets: Tensors, batch_size: int, epochs: int = 1) -> Iterator[Piece]:
        """Do a step on each batch, many of them in one call where that can be."""
        assert epochs == 1, "what is measured between two epochs is measured plainly"
        points = count(inputs)
        first = min(batch_size, points) if self.learner.optimizer.steps == 0 else 0
        whole = points - points % batch_size
        yield from self._plain.steps(*rows_of(inputs, targets, 0, first), batch_size) if first else ()
        for start, end in ((first, whole), (max(first, whole), points)):
            if start < end:
                yield from self._alike(*rows_of(inputs, targets, start, end), min(batch_size, end - start))

    def _alike(self, inputs: Tensors, targets: Tensors, size: int) -> Iterator[Piece]:
        """Do a step on each of some batches of one size."""
        start, points = 0, count(inputs)
        while start < points:
            rest = rows_of(inputs, targets, start, points)
            chunks = self._ready(*rest, size)
            steps = 1 if chunks is None else min(held(chunks, (points - start) // size), chunks.max_steps)
            few = rows_of(*rest, 0, steps * size)
            yield from super().steps(*few, size) if chunks is None else self._run(chunks, *few, size)
            start += steps * size

    def _run(self, chunks: Chunks, inputs: Tensors, targets: Tensors, size: int) -> Iterator[Piece]:
        """Do steps in one call; where anything is wrong with them, those before it so, one by one, and it plainly."""
        steps = count(inputs) // size
        done = chunks.undoable(lambda: chunks.attempt(inputs, targets, steps), steps)
        if done is not None:
            yield Piece([(done[0], count(inputs))])
        elif chunks.failure is not None:
            self._refuse(chunks.failure)
            yield from super().steps(inputs, targets, size)
        elif steps == 1:
            yield from self._plain.steps(inputs, targets, size)
        else:
            for batch in zip(pieces(inputs, size), pieces(targets, size), strict=True):
                yield from self._run(chunks, *batch, size)

    def _ready(self, inputs: Tensors, targets: Tensors, size: int) -> Chunks | None:
        """Be ready for steps on such batches; return what does many of them in one call, if anything does."""
        batch, recorder = first_batch(inputs, targets, size), self._single.recorder
        if recorder.refusal is None and not _is_verified(recorder.steps.get(batch)):
            self._rehearse(batch, inputs, targets, size)
        found, recorded = self._at_hand(batch), recorder.steps.get(batch)
        if found is not None or not self.has_loops or not _is_verified(recorded):
            return found
        return self._looped(batch, recorded, inputs, targets, size) if recorded.takes(inputs, targets) else None

    def _at_hand(self, batch: Key) -> Chunks | None:
        """Return what does many steps on such batches as the learner does them now, if that was made before."""
        recorded = self._single.recorder.steps.get(batch)
        if not self.has_loops or recorded is None:
            return None
        current = [each for each in self._chunks.get(batch, ()) if each.is_current(recorded)]
        self._chunks[batch] = current
        return next((each for each in current if each.holds(1)), None)

    def _rehearse(self, batch: Key, inputs: Tensors, targets: Tensors, size: int) -> None:
        """Record a step on such batches and verify it: from other weights than the training's, or else from its own."""
        recorder = self._single.recorder
        few = list(zip(*(pieces(each, size) for each in self._sample(batch, inputs, targets, size)), strict=True))
        for turn in range(REHEARSALS):
            with taken_back(self.learner), suppress(*PASSED_BY):
                set_stage(self.learner, turn)
                self._try(batch, *few[turn % len(few)])
        with taken_back(self.learner), suppress(*PASSED_BY):
            for turn in range(REHEARSALS):
                self._try(batch, *few[turn % len(few)])
        if recorder.refusal is None and not _is_verified(recorder.steps.get(batch)):  # later, it would be so by chance
            recorder.refuse(NotRecordable("no step could be verified before the training goes on"))

    def _try(self, batch: Key, input: Tensors, target: Tensors) -> None:
        """Do a step if it is not known yet whether one is recorded rightly."""
        recorder = self._single.recorder
        if recorder.refusal is None and not _is_verified(recorder.steps.get(batch)):
            self._single.step(input, target)

    def _looped(
        self, batch: Key, recorded: RecordedStep, inputs: Tensors, targets: Tensors, size: int
    ) -> Chunks | None:
        """Return a new loop over steps, verified in the same way, or None."""
        assert self._make_loop is not None, "there are loops"
        learner, sample = self.learner, self._sample(batch, inputs, targets, size)
        try:
            chunks = Chunks(learner, self._make_loop(recorded, record_update(learner.optimizer), learner))
        except Exception as error:  # noqa: BLE001 - the reporter raises it where bugs are looked for
            self._refuse(error)
            return None
        steps = max(1, min(VERIFIED_BY, held(chunks, count(sample[0]) // size)))
        for turn in range(REHEARSALS):
            if not chunks.verified and not chunks.refuted:
                start = turn % (count(sample[0]) // size - steps + 1) * size
                with taken_back(learner), suppress(*PASSED_BY):
                    if turn < REHEARSALS - 1:
                        set_stage(learner, turn)
                    list(chunks.verify(*rows_of(*sample, start, start + steps * size), size))
        if not chunks.verified:
            self._refuse(chunks.failure or chunks.refutation)
            return None
        self._chunks.setdefault(batch, []).append(chunks)
        return chunks

    def _sample(self, batch: Key, inputs: Tensors, targets: Tensors, size: int) -> tuple[Tensors, Tensors]:
        """Return data to rehearse on: the first of all, which are the same wherever the training goes on."""
        if first_batch(*self._data, size) != batch:  # what the data set hands out is of another form than what it holds
            return rows_of(inputs, targets, 0, count(inputs) // size * size)
        few = count(self._data[0]) // size * size
        return rows_of(*self._data, 0, min(few, BATCHES * size))

    def _refuse(self, error: Exception) -> None:
        """Do single steps from now on, and say why."""
        self._make_loop = None
        if isinstance(error, Unsupported):
            LOG.info("using single steps: %s", error)  # by the same engine, so nobody asked for anything else
        else:
            self._reporter.bug("using single steps", error)


def _is_verified(recorded: RecordedStep | None) -> TypeGuard[RecordedStep]:
    return recorded is not None and recorded.verified


def held(chunks: Chunks, most: int) -> int:
    """Return in how many steps to come, up to ``most``, the rule does the same as now."""
    if chunks.holds(most):
        return most
    return next(steps for steps in range(most) if not chunks.holds(steps + 1))


def rows_of(inputs: Tensors, targets: Tensors, start: int, end: int) -> tuple[Tensors, Tensors]:
    """Return some of the rows."""
    return rows(inputs, slice(start, end)), rows(targets, slice(start, end))
