"""Sizes: as a user gives them, as an input has them, and as windows make them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import NoReturn, TypeGuard

import corenet as cn
from torch import Tensor

Sizes = int | Sequence[int]
DIMENSIONS = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)"}


def sizes(owner: str, name: str, value: object, count: int, least: int | None = 1) -> tuple[int, ...]:
    """Return ``count`` integers, given as one for all or as one for each.

    Raises:
        ConfigError: it is neither, or one is less than ``least``; any will do if that is None.

    >>> sizes("Conv2d", "stride", 2, 2), sizes("Conv2d", "stride", (2, 1), 2)
    ((2, 2), (2, 1))
    """
    values = tuple(value) if isinstance(value, Sequence) else (value,) * count
    integers = [int(each) for each in values if is_integer(each, least)]
    if not len(values) == len(integers) == count:
        bound = "" if least is None else f" ≥ {least}"
        several = f" or {count} of them" if count > 1 else ""
        rule = f"must be an integer{bound}{several}, not {value!r}"
        raise cn.ConfigError(f"{owner}: {name} {rule}", name=name, value=value)
    return tuple(integers)


def is_integer(value: object, least: int | None) -> TypeGuard[int]:
    """Tell whether ``value`` is an integer, of at least so much if that is given; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and (least is None or int(value) >= least)


def check_dimensions(module: cn.Module, input: Tensor, dims: int, channels: int | None = None) -> None:
    """Raise :class:`~corenet.ShapeError` unless ``input`` has ``dims`` dimensions after its channels."""
    if input.dim() not in (dims + 1, dims + 2):
        raise cn.ShapeError(repr(module), input.shape, f"expected {DIMENSIONS[dims]}")
    if channels is not None and input.shape[-dims - 1] != channels:
        raise cn.ShapeError(repr(module), input.shape, f"expected {channels} channels in dimension {-dims - 1}")


def refuse_span(module: cn.Module, input: Tensor, spans: Sequence[int], padded: Sequence[int]) -> NoReturn:
    """Raise :class:`~corenet.ShapeError` for a kernel that spans more than the padded input has."""
    raise cn.ShapeError(
        repr(module),
        input.shape,
        f"its kernel spans {times(spans)}, more than the padded input's {times(padded)}: pad more, or take a smaller "
        "kernel or dilation",
    )


def spans_of(kernel_size: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """Return how many elements a kernel spans, gaps included: ``d (k − 1) + 1``."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True))


def times(values: Sequence[int]) -> str:
    """Return sizes as text.

    >>> times((3, 5))
    '3 × 5'
    """
    return " × ".join(map(str, values))
