"""The step recorded once and replayed: between two kernels there is one turn of a loop, and no code of a component."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from corenet.contracts.several import Tensors
from corenet.training.engines.engine import Engine, Running
from corenet.training.engines.optimizer_adapter import advance
from corenet.training.engines.recording.lowering import KernelCalls
from corenet.training.engines.recording.recorder import Lowering, Recall, Recorder
from corenet.training.engines.unsupported import Reporter
from corenet.training.finite import are_finite, refuse_non_finite
from corenet.training.learner import Learner


class Replay(Engine):
    """Trains by recorded steps, one for each shape of a batch; by the plain step where there can be none."""

    def __init__(
        self,
        learner: Learner,
        reporter: Reporter | None = None,
        lowerings: Sequence[Lowering] = (KernelCalls(),),
        recall: Recall = lambda key: None,
    ) -> None:
        super().__init__(learner)
        self.recorder = Recorder(learner, lowerings, reporter or Reporter(), recall)
        self.refresh()

    @property
    def running(self) -> Running:
        """The name of what does the steps."""
        return self.recorder.running

    def refresh(self) -> None:
        """Look for changes: anybody's code may have run since the last step."""
        self._layout = self.learner.optimizer.layout
        self.recorder.refresh()

    def step(self, input: Tensors, target: Tensors) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it.

        Raises:
            NonFiniteError: as the plain step; no weight has been written.
        """
        self.recorder.before_step()
        if self.recorder.refusal is not None:
            return self.learner.step(input, target)
        model, optimizer = self.learner.model, self.learner.optimizer
        value = self.recorder.gradients(input, target)
        if not are_finite([value, *self._layout.gradients()]):
            refuse_non_finite(model, optimizer, value)
        advance(optimizer, self._layout)
        self.recorder.after_step()
        return value
