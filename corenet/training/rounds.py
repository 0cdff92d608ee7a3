"""Many independent trainings, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from corenet.contracts.callback import Callback
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset, stream
from corenet.errors import ConfigError, NonFiniteError
from corenet.history import History
from corenet.integers import integer, positive_integer
from corenet.training.asked_metrics import Asked
from corenet.training.callbacks import Callbacks
from corenet.training.draws import drawing_from
from corenet.training.engines.select import EngineName, engine_for
from corenet.training.epoch_metrics import Measures
from corenet.training.fit import begin, refuse_wrong
from corenet.training.learner import Learner
from corenet.training.loop import Training

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
    metrics: Sequence[Asked] | None = None,
    progress: bool | None = None,
    engine: EngineName = "auto",
    callbacks: Sequence[str | Callback | Any] = (),
) -> list[tuple[Module, History]]:
    """Train ``rounds`` independent models and return each with its history.

    They are trained one after the other, each exactly as by :func:`fit`. What is recorded and compiled for one serves
    the next, if it differs in its numbers only. None is saved as it goes: one long enough for that is a :func:`fit`
    with a ``checkpoint`` of its own.

    Args:
        factory: ``factory(round) -> (model, loss, optimizer)``, called with 0, 1, … Hyper-parameters
            of the optimizers may differ.
        train, valid: one data set for all rounds, or a sequence with one for each.
        seed: round r is :func:`fit` with ``seed + r``; its weights are drawn from a stream of their own.

    The other arguments are those of :func:`fit`.

    Raises:
        ConfigError: ``rounds`` is no positive integer, or a sequence of data has another length.
        NonFiniteError: as :func:`fit`; ``round`` says where. Earlier rounds are done, and later ones not begun.

    Whatever ends a round early, Ctrl-C included, has the results of earlier rounds as its ``results``, and the epochs
    of this one as its ``history``.

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
    if not callable(factory):
        raise ConfigError(f"factory is a function of the round, not {factory!r:.80}", name="factory", value=factory)
    trains, valids = _per_round("train", train, rounds), _per_round("valid", valid, rounds)
    learners = []
    for round, (data, held_out) in enumerate(zip(trains, valids, strict=True)):
        with drawing_from(stream("weights", seed + round), data.device):
            model, loss, optimizer = _made(factory, round)
        refuse_wrong(model, loss, optimizer, data, held_out)
        begin(model)
        learners.append(Learner(model, loss, optimizer))
    results: list[tuple[Module, History]] = []
    for round, (learner, data, held_out) in enumerate(zip(learners, trains, valids, strict=True)):
        running = engine_for(engine, learner, data, epochs=epochs, batch_size=batch_size)
        measures = Measures(metrics, learner.loss, data, held_out)
        training = Training(running, data, batch_size, seed + round, measures, callbacks=Callbacks(callbacks))
        try:
            results.append((learner.model, training.run(range(epochs), progress, f"round {round + 1}/{rounds}")))
        except BaseException as error:
            if isinstance(error, NonFiniteError):
                error.round = round
            with suppress(AttributeError, TypeError):  # an exception that has no room for it
                error.results = results  # type: ignore[attr-defined]
            raise
    return results


def _made(factory: Factory, round: int) -> tuple[Module, Loss, Optimizer]:
    made = factory(round)
    if not isinstance(made, tuple) or len(made) != 3:
        raise ConfigError(f"factory must return (model, loss, optimizer), not {made!r:.80}", name="factory", value=made)
    return made


def _per_round(name: str, data: Dataset | Sequence[Dataset] | None, rounds: int) -> Sequence[Dataset]:
    if data is None or isinstance(data, Dataset):
        return [data] * rounds  # type: ignore[list-item]  # None stands for no validation data
    if not isinstance(data, Sequence):
        raise ConfigError(f"{name} is data, or a list of it for each round, not {data!r:.80}", name=name, value=data)
    if len(data) != rounds:
        raise ConfigError(
            f"{name} has {len(data)} data sets for {rounds} rounds; give one, or one for each round", name=name
        )
    return data
