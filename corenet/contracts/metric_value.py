"""What a metric came to, as the history keeps it: a number, or of a metric that says so a list of numbers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from torch import Tensor

from corenet.contracts.metric import Metric
from corenet.errors import ConfigError

OF_OUTPUTS = "return one number, such as its double().mean(); a Metric with is_number = False may return several"


def number_of(name: str, value: Any, hint: str) -> float:
    """Return the number that the metric of this name came to; a tensor of one number is one.

    Raises:
        ConfigError: it is no number, or a truth value; the message ends in ``hint``.

    >>> import torch
    >>> number_of("mae", torch.tensor([0.5]), OF_OUTPUTS)
    0.5
    """
    with suppress(TypeError, ValueError, RuntimeError):
        if not _is_truth(value):
            return float(value)
    text = f"metric {name!r} is {_in_words(value)}, not a number; {hint}"
    raise ConfigError(text, name="metrics", value=value)


def value_of(name: str, metric: Metric) -> Any:
    """Return the number that a metric of outputs comes to, or a list of them if it says that there are several.

    Raises:
        ConfigError: it comes to something else.
    """
    value = metric.compute()
    if metric.is_number:
        return number_of(name, value, OF_OUTPUTS)
    is_several = isinstance(value, Tensor) and value.dim() > 0 and not _is_truth(value) and not value.is_complex()
    return value.tolist() if is_several else number_of(name, value, "return a number or a tensor of numbers")


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("torch.bool", "bool")


def _in_words(value: Any) -> str:
    """Return what a value is, in a few words: of a tensor no numbers, for there may be many."""
    of_truth = " of truth values" if _is_truth(value) else ""
    if isinstance(value, Tensor) and value.dim():
        return f"a tensor of shape {tuple(value.shape)}{of_truth}"
    return f"{' '.join(repr(value).split()):.80}" + (", a truth value" if of_truth else "")
