"""Random numbers for some rows of a batch that are those of the whole batch: all are drawn, and some are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from corenet.errors import ConfigError


@dataclass(frozen=True)
class ByRows:
    """A draw whose dimension ``dim`` has ``each`` places for every row."""

    dim: int
    each: int


Draw = ByRows | None  # None is one that has nothing to do with rows, such as noise on a weight


def is_draw(function: Any) -> bool:
    """Tell whether a kernel draws random numbers."""
    return torch.Tag.nondeterministic_seeded in function.tags


class Noting(TorchDispatchMode):
    """Notes the shape of each draw of a step."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.shapes: list[tuple[int, ...]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if is_draw(function):
            first = result[0] if isinstance(result, tuple) else result
            self.shapes.append(tuple(first.shape))
        return result


def draws_between(few: Sequence[tuple[int, ...]], more: Sequence[tuple[int, ...]], rows: tuple[int, int]) -> list[Draw]:
    """Return how the draws of a step go by rows, from their shapes in a step on ``rows[0]`` and on ``rows[1]`` rows.

    Raises:
        ConfigError: some go by rows in another way than as many for each.

    >>> draws_between([(3, 8), (4, 4)], [(5, 8), (4, 4)], (3, 5))
    [ByRows(dim=0, each=1), None]
    """
    if len(few) != len(more):
        raise _refusal(f"as many times as its batch says, {len(few)} and {len(more)}")
    return [_between(one, other, rows) for one, other in zip(few, more, strict=True)]


def _between(one: tuple[int, ...], other: tuple[int, ...], rows: tuple[int, int]) -> Draw:
    if one == other:
        return None
    dims = [dim for dim in range(len(one)) if one[dim] != other[dim]] if len(one) == len(other) else []
    if len(dims) == 1:
        each, rest = divmod(one[dims[0]], rows[0])
        if not rest and other[dims[0]] == each * rows[1]:
            return ByRows(dims[0], each)
    raise _refusal(f"of the shapes {one} and {other} for {rows[0]} and {rows[1]} rows")


def _refusal(how: str) -> ConfigError:
    return ConfigError(
        f"distributed: the model draws random numbers {how}, so that no rank can draw those of its rows alone",
        name="distributed",
    )


class RowDraws(TorchDispatchMode):
    """Draws, for a step on some rows, what a step on the whole batch would, and keeps what belongs to these rows.

    Args:
        draws: of a step, in their order.
        rows: which rows of the batch they are.
        batch: how many rows it has.
    """

    def __init__(self, draws: Sequence[Draw], rows: slice, batch: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._draws, self._start, self._rows, self._batch = iter(draws), rows.start, rows.stop - rows.start, batch

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not is_draw(function):
            return function(*args, **kwargs)
        draw = next(self._draws, None)
        return function(*args, **kwargs) if draw is None else self._drawn(draw, function, args, kwargs)

    def _drawn(self, draw: ByRows, function: Any, args: Any, kwargs: Any) -> Any:
        found = function(*self._mapped(draw, args), **self._mapped(draw, kwargs))
        if function._schema.is_mutable:
            return args[0].copy_(self._own(draw, found))
        parts = tuple(self._own(draw, each) for each in (found if isinstance(found, tuple) else (found,)))
        return parts if isinstance(found, tuple) else parts[0]

    def _mapped(self, draw: ByRows, value: Any) -> Any:
        """Return arguments for the whole batch: sizes, and tensors whose other rows may be anything."""
        if isinstance(value, dict):
            return {name: self._mapped(draw, each) for name, each in value.items()}
        if isinstance(value, Tensor):
            return self._whole(draw, value)
        if isinstance(value, tuple | list):
            if value and all(type(each) is int for each in value):
                return self._sizes(draw, list(value))
            return type(value)(self._mapped(draw, each) for each in value)
        return value

    def _sizes(self, draw: ByRows, sizes: list[int]) -> list[int]:
        if len(sizes) > draw.dim and sizes[draw.dim] == self._rows * draw.each:
            sizes[draw.dim] = self._batch * draw.each
        return sizes

    def _whole(self, draw: ByRows, tensor: Tensor) -> Tensor:
        if tensor.dim() <= draw.dim or tensor.shape[draw.dim] != self._rows * draw.each:
            return tensor
        places = torch.arange(self._batch * draw.each, device=tensor.device) % (self._rows * draw.each)
        return tensor.index_select(draw.dim, places)

    def _own(self, draw: ByRows, tensor: Tensor) -> Tensor:
        return tensor.narrow(draw.dim, self._start * draw.each, self._rows * draw.each).contiguous()


@contextmanager
def drawing_for(draws: Sequence[Draw], rows: slice, batch: int) -> Iterator[None]:
    """Let a step on some rows draw what one on the whole batch would."""
    if not draws:
        yield
        return
    with RowDraws(draws, rows, batch):
        yield
