"""A compiled function in a loop: each iteration reads the next batch and writes to the next output slot."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from math import nan
from typing import Any

import torch
from torch import Tensor

from corenet.training.engines.cpu.codegen import Draw, Function
from corenet.training.engines.unsupported import NotRecordable


class _Walk(ctypes.Structure):
    _fields_ = (("place", ctypes.c_long), ("bytes", ctypes.c_long), ("start", ctypes.c_void_p))


class _Numbers(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_long) for name in ("place", "offset", "elements", "size"))


class _Check(ctypes.Structure):
    _fields_ = (("count", ctypes.c_long), ("numbers", ctypes.POINTER(_Numbers)))


class _Part(ctypes.Structure):
    _fields_ = (
        ("run", ctypes.c_void_p),
        ("memories", ctypes.c_void_p),
        ("walks", ctypes.c_long),
        ("walk", ctypes.POINTER(_Walk)),
        ("check", _Check),
    )


class Part:
    """A function of C with the tensors that change from one iteration to the next, and those that must stay finite.

    Args:
        function: the function.
        draws: what is drawn by torch before it.
        given: what it is given, from outside.
        made: what it makes, to be read after all turns.
        checked: what has to be finite.

    Raises:
        NotRecordable: what it is given or makes shares memory with another tensor.
    """

    def __init__(
        self,
        function: Function,
        draws: Sequence[Draw] = (),
        given: Sequence[Tensor] = (),
        made: Sequence[Tensor] = (),
        checked: Sequence[Tensor] = (),
    ) -> None:
        self.storages = function.storages
        self._function, self._draws, self._own_given, self._own_made = function, draws, given, made
        self._walked = [*given, *(draw.tensor for draw in draws), *made]
        self._places = [function.place(tensor) for tensor in self._walked]
        used = [place for place in self._places if place is not None]
        if len(set(used)) < len(used) or not all(map(_fills_its_memory, self._walked)):
            raise NotRecordable("the step's output shares memory with another tensor", "let forward return a clone")
        self.nbytes = sum(each.nbytes for each in self._walked)
        self._memories = type(function.addresses)(*function.addresses)  # the walk changes it
        self._check = _check(function, checked)
        self._room = 0
        self.make_room(1)

    def make_room(self, turns: int) -> None:
        """Allocate the memory of ``turns`` iterations."""
        if turns <= self._room:
            return
        self._room, inputs = turns, len(self._walked) - len(self._own_made)
        # What no turn makes, such as an output that is a weight, stays no number: so nobody takes it for one.
        self._numbers = [
            torch.empty((turns, *each.shape), dtype=each.dtype)
            if place < inputs
            else torch.full((turns, *each.shape), nan, dtype=each.dtype)
            for place, each in enumerate(self._walked)
        ]
        walks = _array(
            _Walk,
            (
                _Walk(place, own.nbytes, each.data_ptr())
                for place, own, each in zip(self._places, self._walked, self._numbers, strict=True)
                if place is not None
            ),
        )
        run = ctypes.cast(self._function.function, ctypes.c_void_p)
        memories = ctypes.cast(self._memories, ctypes.c_void_p)
        self._structure = _Part(run, memories, len(walks), walks, self._check)

    def give(self, turns: int, *data: Tensor) -> None:
        """Copy the inputs of ``turns`` iterations, one behind the other: an iteration may change its own."""
        for own, each in zip(self.given(turns), data, strict=True):
            own.copy_(each.reshape(own.shape))

    def drawing(self, turns: int) -> Iterator[None]:
        """Draw the random numbers of ``turns`` iterations, one iteration at a time."""
        first = len(self._own_given)
        drawn = [each[:turns] for each in self._numbers[first : first + len(self._draws)]]
        for each in zip(*drawn, strict=True):
            for draw, into in zip(self._draws, each, strict=True):
                draw()
                into.copy_(draw.tensor)
            yield

    def given(self, turns: int) -> list[Tensor]:
        """Return the inputs of the first ``turns`` iterations."""
        return [each[:turns] for each in self._numbers[: len(self._own_given)]]

    def made(self, turns: int) -> list[Tensor]:
        """Return what the first ``turns`` iterations made; the next run overwrites it."""
        return [each[:turns] for each in self._numbers[len(self._numbers) - len(self._own_made) :]]

    def reference(self) -> Any:
        """Return the part as a function of C takes it."""
        return ctypes.byref(self._structure)


def _check(function: Function, tensors: Iterable[Tensor]) -> _Check:
    """Return where a function has the numbers that are looked at."""
    found = _array(
        _Numbers,
        (
            _Numbers(place, each.storage_offset() * each.element_size(), each.numel(), each.element_size())
            for each in tensors
            if (place := function.place(each)) is not None
        ),
    )
    return _Check(len(found), found)


def _array(kind: type[ctypes.Structure], structures: Iterable[ctypes.Structure]) -> Any:
    found = list(structures)
    return (kind * len(found))(*found)


def _fills_its_memory(tensor: Tensor) -> bool:
    return tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
