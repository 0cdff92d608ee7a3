"""Trains by recorded steps, and by many of them in one call where all of a step is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from corenet.training.engines.chunks import Chunks, StepLoop
from corenet.training.engines.engine import Engine, Running
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import RecordedUpdate, record_update
from corenet.training.engines.recording.recorder import Lowering, key_of
from corenet.training.engines.replay import Replay
from corenet.training.engines.unsupported import LOG, Reporter, Unsupported
from corenet.training.learner import Learner

MakeLoop = Callable[[RecordedStep, RecordedUpdate, Learner], StepLoop]


class Chunked(Engine):
    """An engine whose fastest lowering has a loop over steps, made by ``make_loop``."""

    def __init__(
        self, learner: Learner, reporter: Reporter, lowerings: Sequence[Lowering], make_loop: MakeLoop
    ) -> None:
        super().__init__(learner)
        self._single = Replay(learner, reporter, lowerings)
        self._fastest, self._make_loop, self._reporter = lowerings[0].running, make_loop, reporter
        self._chunks: Chunks | None = None
        self._may_loop = True
        self._settled_at = learner.optimizer.steps + 2  # in its first steps a rule may put up its memory

    @property
    def running(self) -> Running:
        """The name of what does the steps."""
        return self._single.running

    @property
    def max_steps(self) -> int:
        """How many steps it does in one call, as things stand."""
        return self._chunks.max_steps if self._chunks is not None and self._chunks.verified else 1

    def refresh(self) -> None:
        """Look for changes: anybody's code may have run since the last step."""
        self._single.refresh()

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it."""
        return self._single.step(input, target)

    def steps(self, inputs: Tensor, targets: Tensor, batch_size: int, epochs: int = 1) -> Iterator[tuple[Tensor, int]]:
        """Do a step on each batch, many of them in one call where that can be."""
        points = len(inputs) // epochs
        if epochs > 1 and not self._takes_whole(inputs, targets, batch_size):
            for epoch in zip(inputs.split(points), targets.split(points), strict=True):
                yield from self.steps(*epoch, batch_size)
            return
        start = 0
        while start < len(inputs):
            whole = (len(inputs) - start) // batch_size
            chunks = self._chunks_for(inputs, targets, batch_size) if whole else None
            count = 1 if chunks is None else min(whole, chunks.max_steps)
            end = start + count * batch_size
            batches = inputs[start:end], targets[start:end], batch_size
            if chunks is None:
                yield from super().steps(*batches)
            elif not chunks.holds(count):
                self._chunks = None  # the rule does another thing by now, or soon
                yield from super().steps(*batches)
            elif chunks.verified:
                yield from chunks.run(*batches, max(1, points // batch_size))
            else:
                yield from chunks.verify(*batches)
            self._drop_refuted()
            start = end

    def _takes_whole(self, inputs: Tensor, targets: Tensor, batch_size: int) -> bool:
        return self._chunks_for(inputs, targets, batch_size) is not None and self.max_steps * batch_size >= len(inputs)

    def _chunks_for(self, inputs: Tensor, targets: Tensor, batch_size: int) -> Chunks | None:
        """Return the chunks over batches of such data, or None if there are none (yet)."""
        if self.running != self._fastest or not self._may_loop or self.learner.optimizer.steps < self._settled_at:
            return None
        recorded = self._single.recorder.steps.get(key_of(inputs[:batch_size], targets[:batch_size]))
        if recorded is None or not recorded.verified or not recorded.takes(inputs, targets):
            return None
        if self._chunks is None or not self._chunks.is_current(recorded):
            self._chunks = self._made(recorded)
        return self._chunks

    def _made(self, recorded: RecordedStep) -> Chunks | None:
        try:
            update = record_update(self.learner.optimizer)
            return Chunks(self.learner, self._make_loop(recorded, update, self.learner))
        except Unsupported as reason:
            self._loop_no_more(reason)
        except Exception as error:  # noqa: BLE001 - the reporter raises it where bugs are looked for
            self._may_loop = False
            self._reporter.bug("steps are called one by one", error)
        return None

    def _drop_refuted(self) -> None:
        if self._chunks is not None and self._chunks.refuted:
            self._single.recorder.forget()  # it may be at fault as well
            self._loop_no_more(Unsupported("many steps in one call gave other weights than plain steps"))

    def _loop_no_more(self, reason: Unsupported) -> None:
        LOG.info("steps are called one by one: %s", reason.reason)
        self._chunks, self._may_loop = None, False
