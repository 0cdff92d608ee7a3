"""What is asked for as ``metrics``: names, metrics and functions, each by the name that it has in the history."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from torch import Tensor

from corenet.contracts.metric import Metric
from corenet.contracts.metric_value import number_of
from corenet.contracts.module import Module
from corenet.data import Dataset
from corenet.errors import ConfigError, UnknownComponentError
from corenet.registry.collect import reason_of
from corenet.registry.named import made
from corenet.registry.provenance import imported
from corenet.registry.registry import builtins
from corenet.training.metrics import accuracy, error_rate
from corenet.training.streamed import OfFunction

LOSS = "loss"
RATES = (error_rate, accuracy)
APART = "a function whose second argument is called target is given (output, target), any other (model, data)"

Asked = str | Metric | Callable[..., Any]
Found = Metric | Callable[..., Any]  # a metric of outputs, or a function of model and data


def named_apart(metrics: Iterable[Asked]) -> dict[str, Found]:
    """Return what each metric is, by its name; no two may have one name, which stands for one of them in the history.

    A function whose second argument is called ``target`` is one of outputs, any other of model and data.

    Raises:
        ConfigError: two have one name, a function takes other than two arguments, or this is not a list of metrics.
        UnknownComponentError: no metric has a name that is asked for.

    >>> list(named_apart(["f1", error_rate]))
    ['f1', 'error_rate']
    """
    if not isinstance(metrics, Iterable) or isinstance(metrics, str | Tensor) or callable(metrics):
        raise ConfigError(f"metrics must be a list of names and functions, not {metrics!r:.80}", name="metrics")
    found: dict[str, Found] = {}
    said: dict[str, object] = {}
    for asked in metrics:
        name, metric = _resolved(asked)
        if name == LOSS and not isinstance(metric, Metric):
            said[name] = "the loss, which is recorded anyway"
        if name in said:
            raise ConfigError(
                f"metrics: {said[name]!s:.80} and {asked!s:.80} have one name, {name!r}; "
                "set the __name__ of one, or give it a name by def",
                name="metrics",
                value=metrics,
            )
        said[name], found[name] = asked, metric
    return found


def is_rate(metric: Found) -> bool:
    """Tell whether a metric is one of those that are measured with the loss, in all engines."""
    return metric in RATES


def is_number(metric: Found) -> bool:
    """Tell whether a metric comes to one number, as far as that is known before it is asked."""
    return not isinstance(metric, Metric) or metric.is_number


def sign_of(metric: Found) -> int:
    """Return 1 if a larger one is better, -1 if a smaller one is, 0 if nobody knows."""
    if is_rate(metric):
        return -1 if metric is error_rate else 1
    return 0 if not isinstance(metric, Metric) else 1 if metric.larger_is_better else -1


def _resolved(asked: Asked) -> tuple[str, Found]:
    """Return the name of a metric, and what it is."""
    metric = made("metric", asked, "metrics")
    if isinstance(metric, type) or not callable(metric):
        hint = f"; write {metric.__name__}(...)" if isinstance(metric, type) else ""
        raise ConfigError(f"metrics must be a list of names and functions, but {metric!r:.80} is none{hint}")
    name = asked.rpartition(":")[2] if isinstance(asked, str) else name_of(metric)
    if isinstance(metric, Metric):
        return name, _as_rate(metric)
    _refuse_other_than_two(name, metric)
    return name, OfFunction(metric) if _second_of(metric) in ("target", "targets") else metric


def _refuse_other_than_two(name: str, function: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function in C has no signature
        return
    try:
        signature.bind("output", "target")
    except TypeError as error:
        raise ConfigError(
            f"metrics: {name} takes {signature}, and a metric two arguments; {APART}", name="metrics", value=function
        ) from error


def of_model(name: str, function: Callable[..., Any], model: Module, data: Dataset) -> float:
    """Return the number that a function of model and data comes to.

    Raises:
        ConfigError: it comes to no number, or what it raises may be for being no function of these.
    """
    try:
        value = function(model, data)
    except (TypeError, AttributeError) as error:
        if _second_of(function) == "data":
            raise
        text = f"metric {name!r} was given (model, data) and raised {reason_of(error)}; {APART}"
        raise ConfigError(text, name="metrics", value=function) from error
    return number_of(name, value, APART)


def name_of(metric: object) -> str:
    """Return the name that a metric has in the history: of a built-in one that of its component."""
    for row in builtins().components("metric"):
        if isinstance(metric, Metric) and imported(row.target) is type(metric):
            return row.name
    return str(getattr(metric, "__name__", type(metric).__name__))


def _as_rate(metric: Metric) -> Found:
    """Return the function that measures the same with the loss, for a built-in metric that has one."""
    for rate in RATES:
        try:
            if builtins().get("metric", rate.__name__) is type(metric):
                return rate
        except UnknownComponentError:  # no component stands in for it
            continue
    return metric


def _second_of(function: Callable[..., Any]) -> str:
    """Return the name of a function's second argument; a function in C has no signature."""
    with suppress(TypeError, ValueError):
        return "".join(list(inspect.signature(function).parameters)[1:2])
    return ""
