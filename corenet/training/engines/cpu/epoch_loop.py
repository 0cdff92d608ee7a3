"""Whole epochs in one call: the steps, the smaller one of what remains, and what is measured after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from torch import Tensor

from corenet.contracts.several import Tensors, count, each_of
from corenet.training.engines.chunks import SECONDS
from corenet.training.engines.cpu.codegen import Function
from corenet.training.engines.cpu.part import Part
from corenet.training.engines.cpu.step_loop import CompiledLoop, most_turns, step_part
from corenet.training.engines.epochs import Turns
from corenet.training.engines.recording.evaluation_log import EvaluationLog
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import Numbers


class CompiledEvaluation:
    """An evaluation as a function of C: what it leaves in ``outputs`` and ``numbers``."""

    def __init__(self, log: EvaluationLog, function: Function) -> None:
        self.outputs, self.numbers, self.measure = log.outputs, log.numbers, function
        self.part = Part(function, made=[*log.outputs, *log.numbers], checked=log.numbers)


class EpochLoop:
    """The loop over steps, with what comes at the end of each epoch.

    Args:
        loop: the steps.
        steps: how many of them there are in an epoch.
        rest: the step on what remains, if anything does.
        evaluation: what is measured after an epoch, if anything is.
        gradients: the gradients, which must be finite after each step.

    Raises:
        NotRecordable: a part is no single compiled function, or keeps its numbers elsewhere.
    """

    def __init__(
        self,
        loop: CompiledLoop,
        steps: int,
        rest: RecordedStep | None,
        evaluation: CompiledEvaluation | None,
        gradients: Sequence[Tensor],
    ) -> None:
        self._loop, self._steps, self.evaluation = loop, steps, evaluation
        self._recorded_rest, self._rest = rest, None if rest is None else step_part(rest, gradients)
        self._evaluated = None if evaluation is None else evaluation.part
        others = [part for part in (self._rest, self._evaluated) if part is not None]
        nbytes = steps * loop.step.nbytes + sum(part.nbytes for part in others)
        self.max_epochs = self._most = min(loop.max_steps // steps, most_turns(nbytes))

    def run(
        self, inputs: Tensors, targets: Tensors, numbers: Numbers, epochs: int, steps: int
    ) -> tuple[int, list[Turns], list[Tensor]]:
        """Do ``steps`` steps and the one on the rest in each of ``epochs``, and measure after it.

        Returns how many steps went well; the turns of either kind of step; and the outputs and numbers of the
        evaluations; all until the next run.
        """
        start = perf_counter()
        step, rest, evaluation, turns = self._loop.step, self._rest, self._evaluated, epochs * steps
        data = [each.view(epochs, -1, *each.shape[1:]) for each in (*each_of(inputs), *each_of(targets))]
        batch = count(self._loop.recorded.input)
        step.make_room(turns)
        for part in (rest, evaluation):
            if part is not None:
                part.make_room(epochs)
        step.give(turns, *(each[:, : steps * batch] for each in data))
        if rest is not None:
            rest.give(epochs, *(each[:, steps * batch :] for each in data))
        self._draw(epochs, steps)
        done = self._loop.train(turns, steps, numbers, rest, evaluation)
        self.max_epochs = max(1, min(self._most, int(SECONDS * epochs / (perf_counter() - start))))
        found = [(self._loop.recorded, step.given(turns), step.made(turns))]
        if rest is not None and self._recorded_rest is not None:
            found.append((self._recorded_rest, rest.given(epochs), rest.made(epochs)))
        return done, found, [] if evaluation is None else evaluation.made(epochs)

    def _draw(self, epochs: int, steps: int) -> None:
        """Draw what the steps draw, in their order."""
        draws = self._loop.step.drawing(epochs * steps)
        of_rest = iter(()) if self._rest is None else self._rest.drawing(epochs)
        for _ in range(epochs):
            for _ in range(steps):
                next(draws, None)
            next(of_rest, None)
