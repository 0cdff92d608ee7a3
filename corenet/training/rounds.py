"""Many independent trainings: one after the other, or short ones that are alike in one batched run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from math import ceil
from time import perf_counter

import torch
from torch import Tensor

from corenet.contracts.loss import Loss, averages
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset, integer, positive_integer, stream
from corenet.errors import ConfigError, NonFiniteError
from corenet.training.engines.batched.engine import Together
from corenet.training.engines.cpu.engine import Compiled
from corenet.training.engines.cuda.capture import launched_or_called
from corenet.training.engines.engine import Engine
from corenet.training.engines.recording.guards import kind_of
from corenet.training.engines.recording.lowering import program
from corenet.training.engines.recording.recorded_step import Maker, left_as_they_are
from corenet.training.engines.select import EngineName, engine_for, refuse_without_card
from corenet.training.epoch_metrics import Measures, Metric
from corenet.training.finite import are_finite, refuse_infinite_weights
from corenet.training.fit import Training, begin, drawing_from, refuse_wrong
from corenet.training.history import Epoch, History
from corenet.training.progress import progress_for

LOG = logging.getLogger("corenet")
RECORDED_BACK = 150  # steps of a round, which cost less alone than what it takes to begin it
GATHERED = 64 * 2**20  # bytes of batches to gather at a time
Factory = Callable[[int], tuple[Module, Loss, Optimizer]]


def fit_rounds(
    factory: Factory,
    train: Dataset | Sequence[Dataset],
    valid: Dataset | Sequence[Dataset] | None = None,
    *,
    rounds: int,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    metrics: Sequence[Metric] | None = None,
    progress: bool | None = None,
    engine: EngineName = "auto",
) -> list[tuple[Module, History]]:
    """Train ``rounds`` independent models and return each with its history.

    Where compiled steps pay (see :func:`fit`), models are trained one after the other, each exactly as by ``fit``. In
    shorter trainings, models that differ in their numbers only are trained in one batched run: the same
    trainings within the rounding of sums, but with random layers that draw from one stream for all. Others,
    and any with ``engine="plain"``, are trained one after the other.

    Args:
        factory: ``factory(round) -> (model, loss, optimizer)``, called with 0, 1, … Hyper-parameters
            of the optimizers may differ.
        train, valid: one data set for all rounds, or a sequence with one for each.
        seed: round r is :func:`fit` with ``seed + r``; its weights are drawn from a stream of their own.

    The other arguments are those of :func:`fit`. The seconds of a batched run are shared out evenly.

    Raises:
        ConfigError: ``rounds`` is no positive integer, or a sequence of data has another length.
        NonFiniteError: as :func:`fit`; ``round`` says where. In one batched run no weight of any round was written
            in that step; one after the other, earlier rounds are done, and later ones not begun.

    >>> import corenet as cn
    >>> def factory(round):
    ...     model = cn.Sequential(cn.Linear(2, 1))
    ...     return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)
    >>> results = fit_rounds(factory, cn.data.disk(50, seed=0), rounds=3, epochs=2, batch_size=10, progress=False)
    >>> [len(history) for model, history in results]
    [2, 2, 2]
    """
    positive_integer("rounds", rounds)
    positive_integer("epochs", epochs)
    positive_integer("batch_size", batch_size)
    integer("seed", seed)
    trains, valids = _per_round("train", train, rounds), _per_round("valid", valid, rounds)
    parts = []
    for round in range(rounds):
        with drawing_from(stream("weights", seed + round), trains[round].inputs.device):
            parts.append(factory(round))
    for (model, loss, optimizer), data, held_out in zip(parts, trains, valids, strict=True):
        refuse_wrong(model, loss, optimizer, data, held_out)
        begin(model)
    steps = min(epochs * ceil(len(each) / batch_size) for each in trains)
    if engine == "auto" and steps >= RECORDED_BACK:
        kinds = len({kind_of(model) for model, _, _ in parts})  # each is compiled once
        chosen = engine_for(engine, *parts[0], trains[0], epochs=rounds * epochs // kinds, batch_size=batch_size)
        if isinstance(chosen, Compiled):
            engine = "compiled"  # alone, each is then as fast as all of them together
    if engine == "graph":
        refuse_without_card(parts[0][2], trains[0])
    if engine in ("auto", "replay", "graph") and rounds > 1 and len(set(map(_layout, trains))) == 1:
        try:
            make = launched_or_called if engine == "graph" else program
            batched = _Batched(parts, trains, batch_size, seed, make)
        except Exception as reason:  # noqa: BLE001 - whatever it is, one after the other says it better
            LOG.info("rounds are trained one after the other: %s", reason)
        else:
            return batched.run(valids, epochs, metrics, progress)
    results: list[tuple[Module, History]] = []
    before: Engine | None = None
    for round, ((model, loss, optimizer), data, held_out) in enumerate(zip(parts, trains, valids, strict=True)):
        running = engine_for(engine, model, loss, optimizer, data, epochs=epochs, batch_size=batch_size)
        if isinstance(running, Compiled) and isinstance(before, Compiled):
            running.take_over(before)
        before = running
        measures = Measures(metrics, data, held_out)
        training = Training(running, model, loss, optimizer, data, batch_size, seed + round, measures)
        try:
            results.append((model, training.run(epochs, progress, f"round {round + 1}/{rounds}")))
        except NonFiniteError as error:
            error.round = round
            raise
    return results


class _Batched:
    """Rounds in one batched run; what is raised when it is made says why there can be none."""

    def __init__(
        self,
        parts: Sequence[tuple[Module, Loss, Optimizer]],
        trains: Sequence[Dataset],
        batch_size: int,
        seed: int,
        make: Maker,
    ) -> None:
        self.trains, self.batch_size, self.seed = trains, batch_size, seed
        self.models, losses, optimizers = zip(*parts, strict=True)
        self.is_mean = averages(losses[0])
        with ExitStack() as kept:
            for model, loss in zip(self.models, losses, strict=True):
                kept.enter_context(left_as_they_are(model, loss))
            self.engine = Together(self.models, losses, optimizers, make)
            self.engine.prove(*next(self._batches(0)))

    def run(
        self, valids: Sequence[Dataset], epochs: int, metrics: Sequence[Metric] | None, progress: bool | None
    ) -> list[tuple[Module, History]]:
        """Train, and return each model with its history."""
        histories = [History(engine="together") for _ in self.models]
        measures = [Measures(metrics, *data) for data in zip(self.trains, valids, strict=True)]
        device = self.trains[0].inputs.device
        try:
            with drawing_from(stream("rounds", self.seed), device), progress_for(progress, epochs) as show:
                for epoch in range(epochs):
                    self.engine.begin_epoch()
                    records = self._epoch(epoch)
                    parts = zip(histories, measures, records, self.models, strict=True)
                    for history, measure, record, model in parts:
                        history.append(measure.after(record, model))
                    show(histories[0][-1])
        finally:
            self.engine.finish()
        return list(zip(self.models, histories, strict=True))

    def _epoch(self, epoch: int) -> list[Epoch]:
        rates = self.engine.learning_rates()
        start = perf_counter()
        total = torch.zeros(len(self.models), dtype=torch.float64, device=self.trains[0].inputs.device)
        step = 0
        try:
            for step, (input, target) in enumerate(self._batches(epoch)):  # noqa: B007 - it is told in an error
                value = self.engine.step(input, target)
                total += value * input.shape[1] if self.is_mean else value.reshape(len(value), -1).sum(1)
        except NonFiniteError as error:
            error.epoch, error.step = epoch + 1, step + 1
            raise
        if not are_finite([self.engine.stack.parameters]):
            for round, model in enumerate(self.models):
                refuse_infinite_weights(model, epoch + 1, round)
        seconds = (perf_counter() - start) / len(self.models)
        losses = (total / len(self.trains[0])).tolist()
        return [Epoch(epoch + 1, loss, lr, seconds) for loss, lr in zip(losses, rates, strict=True)]

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of all rounds, ``(rounds, batch, …)``, each in its own order."""
        orders = [data.order(self.seed + round, epoch) for round, data in enumerate(self.trains)]
        point = sum(part[0].numel() * part.element_size() for part in (self.trains[0].inputs, self.trains[0].targets))
        gathered = max(1, GATHERED // (len(self.trains) * self.batch_size * point)) * self.batch_size
        for pieces in zip(*(order.split(gathered) for order in orders), strict=True):
            inputs, targets = self._gathered(pieces)
            yield from zip(inputs.split(self.batch_size, 1), targets.split(self.batch_size, 1), strict=True)

    def _gathered(self, places: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the points at these places of each round's data, ``(rounds, points, …)``."""
        first = self.trains[0]
        if all(data is first for data in self.trains):  # one look-up for all
            chosen = torch.stack(list(places))
            return first.inputs[chosen], first.targets[chosen]
        pairs = list(zip(self.trains, places, strict=True))
        inputs, targets = [data.inputs[place] for data, place in pairs], [data.targets[place] for data, place in pairs]
        return torch.stack(inputs), torch.stack(targets)


def _layout(data: Dataset) -> tuple[object, ...]:
    return tuple((each.shape, each.dtype, each.device) for each in (data.inputs, data.targets))


def _per_round(name: str, data: Dataset | Sequence[Dataset] | None, rounds: int) -> Sequence[Dataset]:
    if data is None or isinstance(data, Dataset):
        return [data] * rounds  # type: ignore[list-item]  # None stands for no validation data
    if len(data) != rounds:
        raise ConfigError(
            f"{name} has {len(data)} data sets for {rounds} rounds; give one, or one for each round", name=name
        )
    return data
