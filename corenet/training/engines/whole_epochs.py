"""When a training can have whole epochs done in one call: what has to be recorded for that, and when to stop trying."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from corenet.training.engines.chunks import Chunks
from corenet.training.engines.engine import Evaluation
from corenet.training.engines.epochs import Epochs, EpochsLoop
from corenet.training.engines.loops import Kept
from corenet.training.engines.recording.evaluation_log import EvaluationLog, log_evaluation
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorder import Recorder
from corenet.training.engines.unsupported import LOG, NotRecordable, NotYet, Reporter, Unsupported

MakeEpochs = Callable[[Chunks, int, RecordedStep | None, EvaluationLog | None], EpochsLoop]


class WholeEpochs:
    """The whole epochs of a learner, for the chunks that it has at the time.

    ``make`` makes a loop of chunks, the steps of an epoch, the step on what remains, and an evaluation.
    """

    def __init__(self, make: MakeEpochs, recorder: Recorder, reporter: Reporter, kept: Kept | None = None) -> None:
        self._make, self._recorder, self._reporter, self._kept = make, recorder, reporter, kept
        self._refused = self._has_kept = False
        self._begin(None)

    def _begin(self, chunks: Chunks | None) -> None:
        """Have nothing yet for these chunks."""
        self._chunks, self._guards = chunks, self._recorder.guards
        self._epochs: Epochs | None = None
        self._log: EvaluationLog | None = None
        self._may_make: Callable[[], bool] = _always

    def of(
        self, chunks: Chunks | None, steps: int, rest: RecordedStep | None, evaluation: Evaluation | None
    ) -> Epochs | None:
        """Return what does whole epochs of so many steps, verified or not, or None if nothing can (yet)."""
        is_current = self._log is None or (evaluation is not None and self._log.is_current(evaluation))
        if chunks is not self._chunks or self._recorder.guards is not self._guards or not is_current:
            self._begin(chunks)
        if self._epochs is not None and self._epochs.refuted and evaluation is not None and self._forgets(evaluation):
            self._begin(chunks)  # it was another learner's: this one's is recorded
        if self._epochs is not None and self._epochs.refuted:
            self._refuse(
                self._epochs.failure or Unsupported("whole epochs in one call gave other numbers than their steps")
            )
        if chunks is None or self._refused:
            return None
        needs_log = evaluation is not None and self._log is None
        if self._epochs is None and not needs_log and self._may_make():
            self._epochs = self._made(chunks, steps, rest, evaluation)
        return self._epochs

    def numbers(self, evaluation: Evaluation) -> Sequence[Tensor]:
        """Return what is measured after an epoch, as quickly as is known to be right."""
        model, guards = self._recorder.learner.model, self._recorder.guards
        if guards is not self._guards:
            self._begin(None)  # what it read was changed since
        if self._chunks is None or self._refused or not evaluation.is_settled or guards is None:
            return evaluation.numbers(model)
        if self._epochs is not None:
            return self._measured(self._epochs, guards)
        if self._log is not None:
            return evaluation.numbers(model)
        recalled = self._recalled(evaluation)
        if recalled is not None:
            self._log = recalled
            return evaluation.numbers(model)
        numbers, log = log_evaluation(evaluation, model, guards)
        if isinstance(log, NotRecordable):
            self._refuse(log)
        else:
            self._log = log
        return numbers

    def _measured(self, epochs: Epochs, guards: Guards) -> Sequence[Tensor]:
        """Return what is measured by ``epochs``, and keep how it is done once that is known to be right."""
        numbers = epochs.numbers()
        if self._kept is not None and self._log is not None and epochs.is_measured and not self._has_kept:
            self._has_kept = True
            self._kept.keep_evaluation(self._log, self._recorder.learner, guards)
        return numbers

    def _recalled(self, evaluation: Evaluation) -> EvaluationLog | None:
        """Return an evaluation on the same data that was verified for an earlier learner, or None."""
        if self._kept is None:
            return None
        return self._kept.recall_evaluation(self._recorder.learner, evaluation.given())

    def _forgets(self, evaluation: Evaluation) -> bool:
        """Drop an evaluation of an earlier learner that was not right for this one; tell whether it was such a one."""
        if self._kept is None or self._log is None or not self._log.recalled:
            return False
        self._kept.forget_evaluation(self._recorder.learner, evaluation.given())
        return True

    def _made(
        self, chunks: Chunks, steps: int, rest: RecordedStep | None, evaluation: Evaluation | None
    ) -> Epochs | None:
        try:
            return Epochs(chunks, self._make(chunks, steps, rest, self._log), rest is not None, evaluation)
        except NotYet as wait:
            self._may_make = wait.is_over
        except Exception as error:  # noqa: BLE001 - the reporter raises it where bugs are looked for
            self._refuse(error)
        return None

    def _refuse(self, error: Exception) -> None:
        self._refused, self._epochs = True, None
        if isinstance(error, Unsupported):
            LOG.info("measuring after each epoch by itself: %s", error)
        else:
            self._reporter.bug("measuring after each epoch by itself", error)


def _always() -> bool:
    return True
