"""Where the loop over the steps of a training comes from: an earlier training of its kind, or it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

from corenet.training.engines.chunks import Chunks, StepLoop
from corenet.training.engines.recording.evaluation_log import EvaluationLog
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import RecordedUpdate, record_update
from corenet.training.engines.recording.recorder import Key
from corenet.training.engines.unsupported import LOG, NotYet, Reporter, Unsupported
from corenet.training.learner import Learner

MakeLoop = Callable[[RecordedStep, RecordedUpdate, Learner], StepLoop]


class Kept(Protocol):
    """A cache of verified loops, by the structure of their learners."""

    def keep(self, chunks: Chunks, guards: Guards) -> None:
        """Keep a verified loop for later learners."""
        ...

    def resume(self, learner: Learner, batch: Key) -> tuple[Chunks, Guards] | None:
        """Return verified chunks of this very learner that still hold, and their guards, or None."""
        ...

    def knows(self, learner: Learner, batch: Key) -> bool:
        """Tell whether there is a loop of such a learner."""
        ...

    def recall(self, learner: Learner, batch: Key) -> tuple[StepLoop, Guards] | None:
        """Return a loop for a learner like an earlier one, unverified, and the guards of that one, or None."""
        ...

    def keep_rest(self, recorded: RecordedStep, learner: Learner, guards: Guards) -> None:
        """Keep a verified step on what remains of an epoch."""
        ...

    def keep_evaluation(self, log: EvaluationLog, learner: Learner, guards: Guards) -> None:
        """Keep what is measured on certain data, which is verified."""
        ...

    def recall_evaluation(self, learner: Learner, given: Sequence[Tensor]) -> EvaluationLog | None:
        """Return what is measured on these very data of a learner, unverified, or None."""
        ...

    def forget_evaluation(self, learner: Learner, given: Sequence[Tensor]) -> None:
        """Drop what was not right."""
        ...

    def recall_rest(self, learner: Learner, batch: Key) -> tuple[RecordedStep, Guards] | None:
        """Return such a step for a learner like an earlier one, unverified, and the guards of that one, or None."""
        ...


class Loops:
    """The loops of a learner: each is taken from the cache ``kept``, or made by ``make``; none after one failed."""

    def __init__(self, learner: Learner, make: MakeLoop, kept: Kept | None, reporter: Reporter) -> None:
        self._learner, self._make, self._kept, self._reporter = learner, make, kept, reporter
        self._asked: dict[Key, StepLoop | None] = {}
        self._may_make: Callable[[], bool] = _always
        self._started_at = learner.optimizer.steps
        self.refused = False

    def is_at_hand(self, batch: Key) -> bool:
        """Tell whether the cache has one, and the optimizer has yet to allocate its state in its first step."""
        is_first = self._learner.optimizer.steps == self._started_at
        return is_first and self._kept is not None and self._kept.knows(self._learner, batch)

    def resumed(self, batch: Key) -> tuple[Chunks, Guards] | None:
        """Return the chunks of an earlier training of this very learner, verified, and their guards; asked for once."""
        if self._kept is None or batch in self._asked:
            return None
        resumed = self._kept.resume(self._learner, batch)
        if resumed is not None:
            self._asked[batch] = resumed[0].loop
        return resumed

    def recall(self, batch: Key) -> tuple[RecordedStep, Guards] | None:
        """Return a step that was verified for an earlier learner, in a loop or at the end of epochs, and its guards.

        It is asked for once.
        """
        if self._kept is None or batch in self._asked:
            return None
        recalled = self._kept.recall(self._learner, batch)
        self._asked[batch] = None if recalled is None else recalled[0]
        if recalled is None:
            return self._kept.recall_rest(self._learner, batch)
        return recalled[0].recorded, recalled[1]

    def chunks_of(self, recorded: RecordedStep, batch: Key) -> Chunks | None:
        """Return chunks of a recorded step, unverified, or None while there can be none."""
        loop = self._asked.get(batch)
        if loop is not None and loop.recorded is recorded:
            return Chunks(self._learner, loop)
        is_settled = recorded.verified and self._learner.optimizer.steps > self._started_at + 1
        if not is_settled or not self._may_make():
            return None
        try:
            return Chunks(self._learner, self._make(recorded, record_update(self._learner.optimizer), self._learner))
        except NotYet as wait:
            self._may_make = wait.is_over
        except Exception as error:  # noqa: BLE001 - the reporter raises it where bugs are looked for
            self.refuse(error)
        return None

    def keep(self, chunks: Chunks, guards: Guards) -> None:
        """Keep verified chunks for later learners."""
        if self._kept is not None:
            self._kept.keep(chunks, guards)

    def keep_rest(self, recorded: RecordedStep, guards: Guards) -> None:
        """Keep a verified step on what remains of an epoch for later learners."""
        if self._kept is not None:
            self._kept.keep_rest(recorded, self._learner, guards)

    def refuse(self, error: Exception) -> None:
        """Make no more loops, and say why."""
        self.refused = True
        if isinstance(error, Unsupported):
            LOG.info("using single steps: %s", error)  # by the same engine, so nobody asked for anything else
        else:
            self._reporter.bug("using single steps", error)


def _always() -> bool:
    return True
