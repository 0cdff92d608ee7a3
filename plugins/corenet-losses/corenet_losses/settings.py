"""What the arguments of a constructor must be."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import corenet as cn
from torch import Tensor


def check_number(owner: str, name: str, value: object, least: float | None = None, above: float | None = None) -> None:
    """Raise unless ``value`` is a finite number, no less than ``least``, and above ``above``.

    >>> check_number("HuberLoss", "delta", 0, above=0)
    Traceback (most recent call last):
    corenet.errors.ConfigError: HuberLoss: delta must be a finite number > 0, not 0
    """
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    if not fits or (least is not None and value < least) or (above is not None and value <= above):  # type: ignore[operator]
        bound = f" ≥ {least:g}" if least is not None else f" > {above:g}" if above is not None else ""
        raise cn.ConfigError(f"{owner}: {name} must be a finite number{bound}, not {value!r}", name=name, value=value)


def check_choice(owner: str, name: str, value: object, choices: Sequence[object]) -> None:
    """Raise unless ``value`` is one of ``choices``.

    >>> check_choice("NLLLoss", "reduction", "avg", ("mean", "sum", "none"))
    Traceback (most recent call last):
    corenet.errors.ConfigError: NLLLoss: reduction must be 'mean', 'sum' or 'none', not 'avg'
    """
    if isinstance(value, bool) or value not in choices:
        *others, last = map(repr, choices)
        message = f"{owner}: {name} must be {', '.join(others)} or {last}, not {value!r}"
        raise cn.ConfigError(message, name=name, value=value)


def class_weight(owner: str, value: object) -> cn.Buffer | None:
    """Return a copy of the weights of classes, which moves with the loss; None is a weight of 1 for each.

    >>> class_weight("NLLLoss", [1.0, 2.0])
    Traceback (most recent call last):
    corenet.errors.ConfigError: NLLLoss: weight must be a floating-point tensor of one dimension or None, not [1.0, 2.0]
    """
    if value is None:
        return None
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.dim() != 1:
        given = f"{value.dtype} of {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
        message = f"{owner}: weight must be a floating-point tensor of one dimension or None, not {given}"
        raise cn.ConfigError(message, name="weight", value=value)
    if not bool(value.isfinite().all()):
        raise cn.RangeError(f"{owner}: weight must be finite, got {value[~value.isfinite()][0].item()}")
    return cn.Buffer(value)
