"""Callbacks that end a training with an average of the weights that it went through."""

from __future__ import annotations

from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_optim.settings import integer, number

State = dict[str, Tensor]
_NOTHING: tuple[int, tuple[State, State] | None] = 0, None


class Averaging(cn.Callback):
    """Average the weights after some of the epochs, and put the average into model and loss at the end.

    A subclass says how much an epoch counts: ``share(count)``, with the number of epochs averaged before.
    Buffers are averaged too, all in float32 at least; what is no floating-point number stays as it is at the end. What
    the history tells of an epoch is of the weights of that epoch, not of the average: measure the model after ``fit``.
    An average is of one call of ``fit``: the next one begins anew.

    ``average`` has those of the model so far, by their names, or None; ``count`` says of how many epochs.
    """

    def __init__(self, start: int = 1, every: int = 1) -> None:
        self.start = integer(type(self).__name__, "start", start, 1)
        self.every = integer(type(self).__name__, "every", every, 1)
        self.count, self._averages = _NOTHING

    @property
    def average(self) -> State | None:
        """The average of the model's weights so far, by their names, or None."""
        return self._averages[0] if self._averages else None

    def share(self, count: int) -> float:
        """Return by how much the average goes towards the weights at hand."""
        raise NotImplementedError(f"{type(self).__name__} must define share(self, count)")

    def begin(self, training: Any) -> None:
        self.count, self._averages = _NOTHING

    def after_epoch(self, training: Any) -> None:
        if training.epoch < self.start or (training.epoch - self.start) % self.every:
            return
        states = _averaged(training.model.state_dict()), _averaged(training.loss.state_dict())
        if self._averages is None:
            self._averages = states
        else:
            share = self.share(self.count)
            for average, state in zip(self._averages, states, strict=True):
                for name, value in state.items():
                    average[name].lerp_(value, share)
        self.count += 1

    def end(self, training: Any) -> None:
        if self._averages is not None:
            for part, average in zip((training.model, training.loss), self._averages, strict=True):
                state = part.state_dict()
                part.load_state_dict(state | {name: each.to(state[name].dtype) for name, each in average.items()})

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "averages": self._averages}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.count, self._averages = state["count"], state["averages"]


class SWA(Averaging):
    r"""Stochastic weight averaging: end with the mean of the weights after several epochs, as PyTorch averages.

    ``w̄ ← w̄ + (w − w̄) / (n + 1)`` with the number n of epochs averaged before.

    The optimizer's rate stays what it is: keep it high, by the optimizer's ``schedule``, that the epochs may differ.
    Running statistics, such as those of a batch normalization, are averaged as if they were weights; those of the
    averaged network differ from them.

    Args:
        start: the first epoch that counts.
        every: of how many epochs after it one counts.

    Raises:
        ConfigError: ``start`` or ``every`` is no positive integer.

    >>> model, swa = cn.Linear(2, 1), SWA(start=5)
    >>> data = cn.data.disk(40, seed=0)
    >>> optimizer = cn.SGD(model.parameters(), lr=0.1)
    >>> history = cn.fit(
    ...     model, cn.MSELoss(), optimizer, data, epochs=9, batch_size=4, callbacks=[swa], progress=False
    ... )
    >>> swa.count, torch.equal(model.weight, swa.average["weight"])
    (5, True)

    Reference: P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.
    """

    def share(self, count: int) -> float:
        return 1 / (count + 1)


class EMA(Averaging):
    r"""Exponential moving average: end with a mean of the weights that forgets, as PyTorch averages.

    ``w̄ ← δ w̄ + (1 − δ) w`` after each epoch, from the weights after the first one.

    Running statistics, such as those of a batch normalization, are averaged as if they were weights; those of the
    averaged network differ from them.

    Args:
        decay: δ from 0 to 1, how much of the average stays in an epoch. An epoch has many steps: a δ of 0.999 for each
            of 100 steps is one of about 0.9 for the epoch.
        start: the first epoch that counts.
        every: of how many epochs after it one counts.

    Raises:
        ConfigError: ``decay`` does not lie between 0 and 1; ``start`` or ``every`` is no positive integer.

    >>> EMA(decay=0.5).share(count=3)
    0.5

    Reference: B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control
    Optim. 30, 1992, of averages; of this kind as PyTorch's ``swa_utils.get_ema_multi_avg_fn``.
    """

    def __init__(self, decay: float = 0.9, start: int = 1, every: int = 1) -> None:
        self.decay = number("EMA", "decay", decay, most=1)
        super().__init__(start, every)

    def share(self, count: int) -> float:
        return 1 - self.decay


def _averaged(state: State) -> State:
    """Return copies, in float32 at least, of what can be averaged."""
    return {
        name: value.to(torch.promote_types(value.dtype, torch.float32), copy=True)
        for name, value in state.items()
        if value.is_floating_point()
    }
