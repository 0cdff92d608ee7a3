"""Metrics of a model on data, asked for at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.metric import Metric
from corenet.contracts.module import Module
from corenet.data import Dataset
from corenet.training.arguments import refuse_other_kinds
from corenet.training.asked_metrics import Asked, is_rate, named_apart, of_model
from corenet.training.streamed import Reader, streamed


def measure(model: Module, data: Dataset, metrics: Iterable[Asked], loss: Loss | None = None) -> dict[str, Any]:
    """Return each metric of a model on data, by its name, in evaluation mode.

    Args:
        model: what to measure.
        data: on what.
        metrics: as :func:`~corenet.fit` takes them.
        loss: what the model was trained by, which says what its outputs mean; without it they are read in the coding
            of the targets.

    Raises:
        UnknownComponentError: no metric has a name that is asked for.
        ConfigError: ``metrics`` is no list, two have one name, or one needs the ``loss``.
        DataError: a metric of classes is asked for, and the targets are no classes.
        ShapeError: the output does not have the shape that the targets call for.

    >>> import corenet as cn, torch
    >>> data = cn.data.Dataset(torch.tensor([[0.2], [0.9], [0.7]]), torch.tensor([[0.0], [1.0], [0.0]]))
    >>> measure(cn.Sequential(), data, ["accuracy", "confusion_matrix"])
    {'accuracy': 0.666..., 'confusion_matrix': [[1, 1], [0, 1]]}
    """
    refuse_other_kinds("measure", (model, Module), (data, Dataset))
    named = named_apart(metrics)
    of_outputs = {name: metric for name, metric in named.items() if isinstance(metric, Metric)}
    with evaluating(model):
        found = streamed(of_outputs, model, data, Reader(loss, data.targets)) if of_outputs else {}
        for name, metric in named.items():
            if not isinstance(metric, Metric):
                found[name] = metric(model, data, loss) if is_rate(metric) else of_model(name, metric, model, data)
    return {name: found[name] for name in named}
