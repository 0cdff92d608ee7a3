"""The learning rate range test: the loss while the rate grows from step to step, on a copy of all that trains."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from statistics import fmean, median
from typing import Any

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.numbers import positive
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.several import each_of
from corenet.data import Dataset
from corenet.errors import ConfigError, NonFiniteError
from corenet.integers import integer, positive_integer
from corenet.notebook.curves import curves
from corenet.training.draws import drawing_from
from corenet.training.fit import begin, refuse_wrong
from corenet.training.step import train_step

SMOOTHING = 0.9  # of the mean that the loss is smoothed by
DIVERGED = 4.0  # times the least loss ends the test
FELL = 0.999  # of the loss in the beginning: what is less has fallen


@dataclass(frozen=True)
class LRFind:
    """What :func:`lr_find` found: the loss, smoothed, at each rate; a notebook shows it as a curve.

    ``suggestion`` is a tenth of the rate at which it was least, None if it never fell.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float | None

    def __repr__(self) -> str:
        found = "no suggestion, the loss never fell" if self.suggestion is None else f"suggestion {self.suggestion:.2g}"
        return f"LRFind({len(self.rates)} rates from {self.rates[0]:.2g} to {self.rates[-1]:.2g}, {found})"

    def _repr_html_(self) -> str:
        points = list(zip(self.rates, self.losses, strict=True))
        drawn = curves({"loss, smoothed": points}, "rate", "loss", logarithmic=True, mark=self.suggestion)
        found = "the loss never fell" if self.suggestion is None else f"suggestion: lr={self.suggestion:.2g}"
        return f"<p>{found}</p>{drawn}"


def lr_find(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    train: Dataset,
    *,
    batch_size: int,
    start: float = 1e-6,
    end: float = 10.0,
    steps: int = 100,
    seed: int = 0,
) -> LRFind:
    """Return the loss at learning rates from ``start`` to ``end``, and one to train at.

    Step k of so many is done at the rate ``start · (end / start)^(k / (steps − 1))``, and the test ends where the loss
    is four times its least, or is not finite. Below the rate of the least loss by a factor of ten, it falls fast and
    training is safe. The model, the loss, the optimizer and torch's generators are left as they are, bit for bit: a
    copy is trained. It has no schedule, and groups with a rate of their own keep its ratio to the optimizer's.

    Reference: L. N. Smith, Cyclical Learning Rates for Training Neural Networks, 2017.

    Args:
        model, loss, optimizer, train: as :func:`~corenet.fit` takes them.
        batch_size: points a step, best that of the training.
        start, end: the rates.
        steps: how many rates.
        seed: governs the order of the batches, and what random layers draw.

    Raises:
        ConfigError: a count is no positive integer, or not 0 < ``start`` < ``end``.
        NonFiniteError: the first step has no finite loss or gradient.

    >>> import corenet as cn, torch
    >>> _ = torch.manual_seed(0)
    >>> model = cn.Sequential(cn.Linear(2, 25), cn.Tanh(), cn.Linear(25, 1), cn.Sigmoid())
    >>> optimizer = cn.SGD(model.parameters(), lr=0.1)
    >>> found = lr_find(model, cn.BCELoss(), optimizer, cn.data.disk(500, seed=0), batch_size=50)
    >>> 1e-3 < found.suggestion < 10
    True
    """
    for name, value in (("batch_size", batch_size), ("steps", steps)):
        positive_integer(name, value)
    integer("seed", seed)
    if steps < 2 or not 0 < positive("start", start) < positive("end", end):
        what = f"start={start!r}, end={end!r}, steps={steps!r}"
        raise ConfigError(f"lr_find takes 0 < start < end and at least 2 steps, not {what}", name="start", value=start)
    refuse_wrong(model, loss, optimizer, train, None)
    model, loss, optimizer = copy.deepcopy((model, loss, optimizer))
    begin(model)
    optimizer.schedule, optimizer.lr_decay = None, 0.0
    rates = [start * (end / start) ** (step / (steps - 1)) for step in range(steps)]
    with drawing_from(seed, train.device):
        losses = _losses(model, loss, optimizer, _batches(train, batch_size, seed, steps), rates)
    return LRFind(tuple(rates[: len(losses)]), tuple(losses), _suggestion(rates, losses))


def _batches(train: Dataset, batch_size: int, seed: int, steps: int) -> Iterator[tuple[Any, Any]]:
    """Yield a batch for each step, epoch after epoch."""
    return islice((batch for epoch in count() for batch in train.batches(batch_size, seed, epoch)), steps)


def _losses(
    model: Module, loss: Loss, optimizer: Optimizer, batches: Iterator[tuple[Any, Any]], rates: list[float]
) -> list[float]:
    """Return the smoothed loss of one step after the other, up to the first that is far above the least.

    What is smoothed is by how much the loss is other than that of the untrained model on the same batch: batches differ
    by more than a step changes.
    """
    untrained, mean, above, before = copy.deepcopy(model), 0.0, [0.0], [0.0]
    for step, ((input, target), rate) in enumerate(zip(batches, rates, strict=True), 1):
        _set_rate(optimizer, rate)
        try:
            value = train_step(model, loss, optimizer, input, target).mean().item()
        except NonFiniteError:
            if step == 1:
                raise
            break
        before.append(_loss(untrained, loss, input, target))
        mean = SMOOTHING * mean + (1 - SMOOTHING) * (value - before[-1])
        above.append(mean / (1 - SMOOTHING**step))  # less the zero that the mean began with
        level = fmean(before[1:])
        if level + above[-1] > DIVERGED * (level + min(above)) > 0:
            break
    level = fmean(before[1:])
    return [level + each for each in above[1:]]


def _loss(model: Module, loss: Loss, input: Any, target: Any) -> float:
    """Return the loss of a model on a batch, as a step has it before its update."""
    output = model(*each_of(input))
    model.forget()
    return copy.copy(loss).evaluate(output, target).mean().item()


def _set_rate(optimizer: Optimizer, rate: float) -> None:
    """Let the next step be done at a rate; those of groups keep their ratio to it."""
    for group in optimizer.groups:
        if "lr" in group and optimizer.lr:
            group["lr"] *= rate / optimizer.lr
    optimizer.lr = rate


def _suggestion(rates: list[float], losses: list[float]) -> float | None:
    """Return a tenth of the rate at which the loss is least, unless that is hardly less than in the beginning."""
    beginning, least = median(losses[: max(1, len(losses) // 10)]), min(losses)
    return rates[losses.index(least)] / 10 if least < FELL * beginning else None
