"""The loop around the plain step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

import torch
from torch import Tensor

from corenet.contracts.loss import Loss, averages
from corenet.contracts.module import Module, evaluating
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset, integer, positive_integer
from corenet.errors import ConfigError, NonFiniteError, StructureError
from corenet.training.engines.choice import EngineName, engine_for
from corenet.training.engines.engine import Engine
from corenet.training.finite import are_finite, refuse_infinite_weights
from corenet.training.history import Epoch, History
from corenet.training.metrics import accuracy, are_classes, error_rate
from corenet.training.progress import progress_for

Metric = Callable[[Module, Dataset], float]
_HARMLESS: tuple[Metric, ...] = (accuracy, error_rate)


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
    engine: EngineName = "auto",
    micro_batch_size: int | None = None,
) -> History:
    """Train ``model`` and return the history: :func:`~corenet.train_step` over shuffled batches.

    The same training as the loop spelled out, after ``torch.manual_seed(seed)``; with the plain engine bit for bit::

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
        engine: how steps are run. ``"plain"`` is the loop above. ``"replay"`` records the kernels of a step and
            replays them; ``"compiled"`` has the machine's C compiler make functions of them, and runs many steps in one
            call. Both give the same numbers within the rounding of sums. ``"auto"`` takes the fastest that pays for
            itself in this many steps. A model that cannot be recorded is trained by the plain step, with
            a line in the log ``corenet``; the history's ``engine`` says which ran.
        micro_batch_size: compute the gradients of a batch in pieces of so many points, which takes less memory
            and gives the same step within the rounding of sums. If None, ``"auto"`` cuts batches of more
            than 256 MB, where it finds that the pieces add up.

    Raises:
        ConfigError: a count is no positive integer, an argument is of another kind, or there is no C compiler for
            ``engine="compiled"``.
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
    if micro_batch_size is not None:
        positive_integer("micro_batch_size", micro_batch_size)
    _refuse_wrong_kinds((model, Module), (loss, Loss), (optimizer, Optimizer), (train, Dataset))
    _refuse_stranger(optimizer, model)
    if valid is not None:
        _refuse_wrong_kinds((valid, Dataset))
    measures = measures_for(metrics, valid)
    history = History()
    model.forget()  # a forward whose loss was refused leaves something saved
    model.train()
    running = engine_for(
        engine,
        model,
        loss,
        optimizer,
        train,
        epochs=epochs,
        batch_size=batch_size,
        micro_batch_size=micro_batch_size,
    )
    with drawing_from(seed, train.inputs.device), progress_for(progress, epochs) as show:
        for epoch in range(epochs):
            if epoch == 0 or any(metric not in _HARMLESS for metric in measures):  # another may change anything
                running.begin_epoch()
            record = _epoch(running, model, loss, optimizer, train.shuffled(seed, epoch), batch_size, epoch)
            history.engine = running.name
            history.append(measured(record, measures, model, train, valid))
            show(history[-1])
    return history


def _epoch(
    engine: Engine,
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    data: tuple[Tensor, Tensor],
    batch_size: int,
    epoch: int,
) -> Epoch:
    lr = optimizer.current_lr
    start = perf_counter()
    total, points = 0.0, 0
    is_mean = averages(loss)
    try:
        for value, count in engine.epoch(*data, batch_size):
            summed = value.sum(dtype=torch.float64) if value.dim() else value
            total += summed.item() * (count / value.numel() if is_mean else 1)
            points += count
    except NonFiniteError as error:
        error.epoch, error.step = epoch + 1, points // batch_size + 1
        raise
    if not are_finite(optimizer.weights()):
        refuse_infinite_weights(model, epoch + 1)
    return Epoch(epoch + 1, total / points, lr, perf_counter() - start)


def measured(record: Epoch, metrics: Sequence[Metric], model: Module, train: Dataset, valid: Dataset | None) -> Epoch:
    """Return the record of an epoch with the metrics after it."""
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


def measures_for(metrics: Sequence[Metric] | None, valid: Dataset | None) -> Sequence[Metric]:
    """Return the metrics to record: those given, or the error rate where classes are validated on."""
    if metrics is not None:
        if callable(metrics) or not all(map(callable, metrics)):
            raise ConfigError(f"metrics must be a list of functions (model, data) -> float, not {metrics!r}")
        return metrics
    return (error_rate,) if valid is not None and are_classes(valid.targets) else ()


@contextmanager
def drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch's generator start from ``seed`` here, and go on after as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed % 2**64)
        yield
