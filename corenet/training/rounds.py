"""Many independent trainings, one after the other or side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from corenet.contracts.callback import Callback
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset, stream
from corenet.errors import ConfigError, NonFiniteError, RankError
from corenet.history import History
from corenet.integers import integer, positive_integer
from corenet.side_by_side import SideBySide
from corenet.training.asked_metrics import Asked
from corenet.training.callbacks import Callbacks
from corenet.training.draws import drawing_from
from corenet.training.engines.select import EngineName, engine_for
from corenet.training.epoch_metrics import Measures
from corenet.training.fit import begin, refuse_wrong
from corenet.training.learner import Learner
from corenet.training.loop import Training
from corenet.training.progress import line, say

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
    workers: int = 1,
) -> list[tuple[Module, History]]:
    """Train ``rounds`` independent models and return each with its history.

    They are trained one after the other, each exactly as by :func:`fit`. What is recorded and compiled for one serves
    the next, if it differs in its numbers only. None is saved as it goes: one long enough for that is a :func:`fit`
    with a ``checkpoint`` of its own.

    With ``workers``, so many processes of this machine share the rounds, each with one thread. Every round is the same
    as by one process with one thread: bit for bit with ``engine="plain"``, else within the rounding of sums.
    Callbacks are copied to the workers.

    Args:
        factory: ``factory(round) -> (model, loss, optimizer)``, called with 0, 1, … Hyper-parameters
            of the optimizers may differ.
        train, valid: one data set for all rounds, or a sequence with one for each.
        seed: round r is :func:`fit` with ``seed + r``; its weights are drawn from a stream of their own.
        workers: how many processes. ``factory``, ``metrics`` and ``callbacks`` must then be such as can be pickled:
            functions at the top of a file, no lambdas and none of a notebook; and a script starts its work
            under ``if __name__ == "__main__":``.

    The other arguments are those of :func:`fit`.

    Raises:
        ConfigError: ``rounds`` is no positive integer, a sequence of data has another length, or workers cannot be told
            of what is to be done.
        NonFiniteError: as :func:`fit`; ``round`` says where. Earlier rounds are done, and later ones not begun.
        RankError: a worker was killed; the message says which rounds have no result.

    Whatever ends a round early, Ctrl-C included, has the results of the rounds that are done as its ``results``, and
    the epochs of this one as its ``history``. It ends all workers.

    >>> import corenet as cn
    >>> def factory(round):
    ...     model = cn.Sequential(cn.Linear(2, 1))
    ...     return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)
    >>> results = fit_rounds(factory, cn.data.disk(50, seed=0), rounds=3, epochs=2, batch_size=10, progress=False)
    >>> [len(history) for model, history in results]
    [2, 2, 2]
    """
    found = train_rounds(
        factory,
        train,
        valid,
        rounds=rounds,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        metrics=metrics,
        progress=progress,
        engine=engine,
        callbacks=callbacks,
        workers=workers,
    )
    return [(learner.model, history) for learner, history in found]


def train_rounds(
    factory: Factory,
    train: Dataset | Sequence[Dataset],
    valid: Dataset | Sequence[Dataset] | None,
    *,
    rounds: int,
    workers: int = 1,
    progress: bool | None = None,
    **settings: Any,
) -> list[tuple[Learner, History]]:
    """Do what :func:`fit_rounds` does, and return all that was trained: losses and optimizers too."""
    positive_integer("rounds", rounds)
    positive_integer("workers", workers)
    for name in ("epochs", "batch_size"):
        positive_integer(name, settings[name])
    integer("seed", settings["seed"])
    if not callable(factory):
        raise ConfigError(f"factory is a function of the round, not {factory!r:.80}", name="factory", value=factory)
    trains, valids = _per_round("train", train, rounds), _per_round("valid", valid, rounds)
    asked = Rounds(factory, trains, valids, **settings)
    if workers == 1 or rounds == 1:
        return _one_after_the_other(asked, progress)
    return _side_by_side(asked, min(workers, rounds), progress)


@dataclass(frozen=True)
class Rounds:
    """What the rounds are."""

    factory: Factory
    trains: Sequence[Dataset]
    valids: Sequence[Dataset]
    epochs: int
    batch_size: int
    seed: int
    metrics: Sequence[Asked] | None
    engine: EngineName
    callbacks: Sequence[str | Callback | Any]

    def trained(self, numbers: Sequence[int], progress: bool | None) -> Iterator[tuple[int, Learner, History]]:
        """Train the rounds of these numbers, all of which are made before the first is trained."""
        for number, learner in [(number, self._begun(number)) for number in numbers]:
            train, valid = self.trains[number], self.valids[number]
            running = engine_for(self.engine, learner, train, epochs=self.epochs, batch_size=self.batch_size)
            measures = Measures(self.metrics, learner.loss, train, valid)
            called = Callbacks(self.callbacks)
            training = Training(running, train, self.batch_size, self.seed + number, measures, callbacks=called)
            try:
                history = training.run(range(self.epochs), progress, self.label(number))
            except NonFiniteError as error:
                error.round = number
                raise
            yield number, learner, history

    def label(self, number: int) -> str:
        """Return what a round is called where its progress is shown."""
        return f"round {number + 1}/{len(self.trains)}"

    def _begun(self, number: int) -> Learner:
        data = self.trains[number]
        with drawing_from(stream("weights", self.seed + number), data.device):
            made = self.factory(number)
        if not isinstance(made, tuple) or len(made) != 3:
            text = f"factory must return (model, loss, optimizer), not {made!r:.80}"
            raise ConfigError(text, name="factory", value=made)
        refuse_wrong(*made, data, self.valids[number])
        begin(made[0])
        return Learner(*made)


def _one_after_the_other(asked: Rounds, progress: bool | None) -> list[tuple[Learner, History]]:
    done: list[tuple[Learner, History]] = []
    with _results_of(done):
        for _, learner, history in asked.trained(range(len(asked.trains)), progress):
            done.append((learner, history))
    return done


def _side_by_side(asked: Rounds, workers: int, progress: bool | None) -> list[tuple[Learner, History]]:
    """Let each worker do every so-manieth round."""
    rounds = range(len(asked.trains))
    Callbacks(asked.callbacks).refuse_writers("workers")
    done: dict[int, tuple[Learner, History]] = {}
    results: list[tuple[Learner, History]] = []
    calls = [(list(rounds[worker::workers]), False) for worker in range(workers)]
    with _results_of(results), SideBySide(asked.trained, calls) as processes:
        try:
            for number, learner, history in processes.found():
                done[number] = learner, history
                results[:] = [done[each] for each in sorted(done)]
                say(progress, line(history[-1], asked.epochs, asked.label(number)))
        except RankError as error:
            left = ", ".join(str(number + 1) for number in rounds if number not in done)
            raise RankError(f"{error}; without a result: round {left} of {len(rounds)}") from None
    return results


@contextmanager
def _results_of(done: Sequence[tuple[Learner, History]]) -> Iterator[None]:
    """Let whatever ends the rounds early have the results of those that are done."""
    try:
        yield
    except BaseException as error:
        with suppress(AttributeError, TypeError):  # an exception that has no room for it
            error.results = [(learner.model, history) for learner, history in done]  # type: ignore[attr-defined]
        raise


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
