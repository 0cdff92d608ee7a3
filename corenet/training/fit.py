"""The loop around the plain step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module, evaluating
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset, integer, positive_integer, stream
from corenet.errors import ConfigError, NonFiniteError, StructureError
from corenet.training.finite import refuse_infinite_weights
from corenet.training.history import Epoch, History
from corenet.training.metrics import are_classes, error_rate
from corenet.training.progress import progress_for
from corenet.training.step import train_step

Metric = Callable[[Module, Dataset], float]
Factory = Callable[[int], tuple[Module, Loss, Optimizer]]


def fit(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    train: Dataset,
    valid: Dataset | None = None,
    *,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    metrics: Sequence[Metric] | None = None,
    progress: bool | None = None,
) -> History:
    """Train ``model`` and return the history: :func:`~corenet.train_step` over shuffled batches.

    The same training, bit for bit, as the loop spelled out, after ``torch.manual_seed(seed)``::

        for epoch in range(epochs):
            for input, target in train.batches(batch_size, seed, epoch):
                optimizer.zero_grad()
                loss(model(input), target)
                model.backward(loss.backward())
                optimizer.step()

    Args:
        model, loss, optimizer: what to train, by what, and how; the model ends in training mode.
        train: the data to learn from.
        valid: data to measure on after each epoch; never learnt from.
        epochs: passes over the data.
        batch_size: points a step; the last batch of an epoch may be smaller.
        seed: governs the order of the batches and, apart from it, what random layers
            draw. Weights are drawn where the model is made; torch's generator is left as it
            was. It is one for the whole process: two trainings in two threads would share it.
        metrics: functions ``(model, data) -> float`` to record after each epoch, by their
            names. If None, :func:`~corenet.error_rate` where there is ``valid`` and its targets are classes.
        progress: None (or True) shows a bar on a terminal and a few lines elsewhere, False nothing.

    Raises:
        ConfigError: a count is no positive integer, or an argument is of another kind.
        StructureError: the optimizer was made for the parameters of another model.
        NonFiniteError: the loss or a gradient became infinite or not a number; the
            weights are those before that step.

    >>> import corenet as cn
    >>> _ = torch.manual_seed(0)
    >>> model = cn.Sequential(cn.Linear(2, 25), cn.ReLU(), cn.Linear(25, 1), cn.Sigmoid())
    >>> optimizer = cn.SGD(model.parameters(), lr=0.5, momentum=0.9)
    >>> train = cn.data.disk(500, seed=0)
    >>> history = fit(model, cn.BCELoss(), optimizer, train, epochs=100, batch_size=50, progress=False)
    >>> history[-1].loss < 0.2
    True
    """
    positive_integer("epochs", epochs)
    positive_integer("batch_size", batch_size)
    integer("seed", seed)
    _refuse_wrong_kinds((model, Module), (loss, Loss), (optimizer, Optimizer), (train, Dataset))
    _refuse_stranger(optimizer, model)
    if valid is not None:
        _refuse_wrong_kinds((valid, Dataset))
    measures = _metrics(metrics, valid)
    history = History()
    model.forget()  # a forward whose loss was refused leaves something saved
    model.train()
    with drawing_from(seed, train.inputs.device), progress_for(progress, epochs) as show:
        for epoch in range(epochs):
            record = _epoch(model, loss, optimizer, train, batch_size, seed, epoch)
            history.append(_measured(record, measures, model, train, valid))
            show(history[-1])
    return history


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
) -> list[tuple[Module, History]]:
    """Train ``rounds`` independent models and return each with its history.

    Args:
        factory: ``factory(round) -> (model, loss, optimizer)``, called with 0, 1, …
        train, valid: one data set for all rounds, or a sequence with one for each.
        seed: round r is :func:`fit` with ``seed + r``; its weights are drawn from a stream of their own.

    The other arguments are those of :func:`fit`.

    Raises:
        ConfigError: ``rounds`` is no positive integer, or a sequence of data has another length.

    >>> import corenet as cn
    >>> def factory(round):
    ...     model = cn.Sequential(cn.Linear(2, 1))
    ...     return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)
    >>> results = fit_rounds(factory, cn.data.disk(50, seed=0), rounds=3, epochs=2, batch_size=10, progress=False)
    >>> [len(history) for model, history in results]
    [2, 2, 2]
    """
    positive_integer("rounds", rounds)
    integer("seed", seed)
    trains, valids = _per_round("train", train, rounds), _per_round("valid", valid, rounds)
    results = []
    for round in range(rounds):
        with drawing_from(stream("weights", seed + round), trains[round].inputs.device):
            model, loss, optimizer = factory(round)
        history = fit(
            model,
            loss,
            optimizer,
            trains[round],
            valids[round],
            epochs=epochs,
            batch_size=batch_size,
            seed=seed + round,
            metrics=metrics,
            progress=progress,
        )
        results.append((model, history))
    return results


def _epoch(
    model: Module, loss: Loss, optimizer: Optimizer, train: Dataset, batch_size: int, seed: int, epoch: int
) -> Epoch:
    lr = optimizer.current_lr
    start = perf_counter()
    total = 0.0
    for step, (input, target) in enumerate(train.batches(batch_size, seed, epoch)):
        try:
            value = train_step(model, loss, optimizer, input, target)
        except NonFiniteError as error:
            error.epoch, error.step = epoch + 1, step + 1
            raise
        total += _summed(loss, value, len(input))
    refuse_infinite_weights(model, epoch + 1)
    return Epoch(epoch + 1, total / len(train), lr, perf_counter() - start)


def _summed(loss: Loss, value: Tensor, points: int) -> float:
    """Return the loss summed over the points of a batch, whichever way it was reduced."""
    per_point = getattr(loss, "reduction", "mean") == "mean"
    return value.item() * points if per_point else value.sum().item()


def _measured(record: Epoch, metrics: Sequence[Metric], model: Module, train: Dataset, valid: Dataset | None) -> Epoch:
    if not metrics:
        return record

    def measure(data: Dataset) -> dict[str, float]:
        return {getattr(metric, "__name__", type(metric).__name__): float(metric(model, data)) for metric in metrics}

    with evaluating(model):
        return Epoch(
            record.epoch, record.loss, record.lr, record.seconds, measure(train), measure(valid) if valid else {}
        )


def _refuse_wrong_kinds(*arguments: tuple[object, type]) -> None:
    for value, kind in arguments:
        if not isinstance(value, kind):
            hint = f"; write {value.__name__}(...)" if isinstance(value, type) else ""
            raise ConfigError(f"fit takes a {kind.__name__} here, not {value!r:.80}{hint}", value=value)


def _refuse_stranger(optimizer: Optimizer, model: Module) -> None:
    own = {id(parameter) for parameter in model.parameters()}
    if not all(id(parameter) in own for parameter in optimizer.parameters):
        raise StructureError(
            f"{optimizer!r} holds parameters that the model does not have (any more); make it with model.parameters()"
        )


def _metrics(metrics: Sequence[Metric] | None, valid: Dataset | None) -> Sequence[Metric]:
    if metrics is not None:
        if callable(metrics) or not all(map(callable, metrics)):
            raise ConfigError(f"metrics must be a list of functions (model, data) -> float, not {metrics!r}")
        return metrics
    return (error_rate,) if valid is not None and are_classes(valid.targets) else ()


def _per_round(name: str, data: Dataset | Sequence[Dataset] | None, rounds: int) -> Sequence[Dataset]:
    if data is None or isinstance(data, Dataset):
        return [data] * rounds  # type: ignore[list-item]  # None stands for no validation data
    if len(data) != rounds:
        raise ConfigError(
            f"{name} has {len(data)} data sets for {rounds} rounds; give one, or one for each round", name=name
        )
    return data


@contextmanager
def drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch's generator start from ``seed`` here, and go on after as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed % 2**64)
        yield
