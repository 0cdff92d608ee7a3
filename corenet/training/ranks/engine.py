"""The step of one rank among several: its own rows of each batch, and the sum of all gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from corenet.contracts.loss import averages
from corenet.contracts.several import Tensors, count, rows
from corenet.errors import NonFiniteError
from corenet.training.engines.engine import Engine, Running
from corenet.training.engines.recording.recorder import Recorder
from corenet.training.finite import refuse_non_finite
from corenet.training.learner import Learner
from corenet.training.ranks.exchange import Exchange
from corenet.training.ranks.row_draws import Draw, drawing_for
from corenet.training.ranks.world import World


class Ranks(Engine):
    """Trains by the step that one process would take on the whole batch, of which each rank computes its part.

    Every rank is given the same batch. It computes the gradients of its own rows, by recorded steps if there is a
    ``recorder``; weighed by their rows they are added up over all ranks in float64, and every rank applies the rule to
    the sum. So all ranks have the same weights at all times.

    A batch of fewer rows than ranks leaves some with none: these take its first row, with a weight of 0, so that they
    draw what the others draw.
    """

    def __init__(
        self,
        learner: Learner,
        world: World,
        draws: Sequence[Draw] = (),
        recorder: Recorder | None = None,
        skips: bool = False,
    ) -> None:
        super().__init__(learner, skips)
        self._world, self._draws, self._recorder = world, draws, recorder
        self._is_mean = averages(learner.loss)
        self._exchange = Exchange(world)

    @property
    def running(self) -> Running:
        """The name of what computes the gradients."""
        return "plain" if self._recorder is None else self._recorder.running

    def refresh(self) -> None:
        """Look for changes: anybody's code may have run since the last step."""
        if self._recorder is not None:
            self._recorder.refresh()

    def step(self, input: Tensors, target: Tensors) -> Tensor:
        """Do one step of training and return the loss of the whole batch before it.

        Raises:
            NonFiniteError: as the plain step, in every rank; no weight has been written.
            RankError: another rank has ended, or does not come.
        """
        points, failure = count(input), None
        value: Tensor | None
        part = self._world.part(points)
        weight = self._weight(part, points)
        try:
            value = self._gradients(input, target, part if weight else slice(0, 1))
        except NonFiniteError as error:
            value, failure = None, error
        total = self._added_up(value, weight)
        if failure is not None:
            raise failure
        refuse_non_finite(self.learner.model, self.learner.optimizer, total)
        self.learner.optimizer.step()
        if self._recorder is not None and self._recorder.refusal is None:
            self._recorder.after_step()
        return total

    def _weight(self, part: slice, points: int) -> float:
        rows = part.stop - part.start
        return rows / points if self._is_mean else float(rows > 0)

    def _gradients(self, input: Tensors, target: Tensors, part: slice) -> Tensor:
        """Compute the gradients of some rows of a batch, and return their loss."""
        own = rows(input, part), rows(target, part)
        if self._recorder is not None:
            self._recorder.before_step()
            if self._recorder.refusal is None:
                return self._recorder.gradients(*own)
        with drawing_for(self._draws, part, count(input)):
            return self.learner.gradients(*own)

    def _added_up(self, value: Tensor | None, weight: float) -> Tensor:
        """Write the sum of the weighed gradients of all ranks in the place of each one's own; return that of the loss.

        With them goes whether a rank was told to stop. No ``value`` is that of a step which failed for a number that is
        none: so is the sum then, in every rank.
        """
        gradients = self.learner.optimizer.layout.gradients()
        if value is None:
            weight = share = math.nan
        else:
            share = weight * (value.mean() if self._is_mean else value.sum()).item() if weight else 0.0
        told = float(self._world.noted.signal is not None)
        loss, told = self._exchange.added_up(gradients, weight, [share, told])
        self._world.agree_on_signal(bool(told))
        return torch.tensor(loss, dtype=torch.float64)
