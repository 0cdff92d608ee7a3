"""A number in an object that a module holds."""

from __future__ import annotations

import argparse
import collections
import copy
import dataclasses
import operator
import threading
import types

import numpy as np
import torch

from benchmarks.training_fuzzer.strange import Reads, reading

HELD = {}


def _held(name, make, read=lambda self: self.held.factor, put=lambda held, value: setattr(held, "factor", value)):
    """Enter a kind of object that a module holds."""

    def kind(use, value):
        held = make(value)
        return reading(use, read, held, lambda new: put(held, new))

    HELD[name] = kind


@dataclasses.dataclass
class Options:
    factor: float = 1.0


class InSlots:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor


class InPrivateSlots:
    __slots__ = ("__factor",)

    def __init__(self, factor):
        self.put(factor)

    def put(self, factor):
        self.__factor = factor

    def get(self):
        return self.__factor


class Described:
    def __init__(self, factor):
        self._factor = factor

    @property
    def factor(self):
        return self._factor


class Descriptor:
    def __init__(self, value):
        self.value = value

    def __get__(self, owner, kind=None):
        return self.value


class ListWithMore(list):
    factor = 1.0


class NumberWithMore(float):
    pass


def _with_factor(held, value):
    held.factor = value
    return held


def _set_item(key):
    return lambda held, value: held.__setitem__(key, value)


_held("namespace", lambda value: types.SimpleNamespace(factor=value))
_held("arguments", lambda value: argparse.Namespace(factor=value))
_held("dataclass", Options)
_held("slots", InSlots)
_held("private_slots", InPrivateSlots, lambda self: self.held.get(), InPrivateSlots.put)
_held("property", Described, put=lambda held, value: setattr(held, "_factor", value))
_held("array", lambda value: np.full(3, value), lambda self: float(self.held[1]), _set_item(1))
_held("array_of_objects", lambda value: np.array([value], dtype=object), lambda self: self.held[0], _set_item(0))
_held("masked", lambda value: np.ma.array([value]), lambda self: float(self.held[0]), _set_item(0))
_held("list", lambda value: [value], lambda self: self.held[0], _set_item(0))
_held("dict", lambda value: {"factor": value}, lambda self: self.held["factor"], _set_item("factor"))
_held("deque", lambda value: collections.deque([value]), lambda self: self.held[0], _set_item(0))
_held("set", lambda value: {value}, lambda self: max(self.held), lambda held, value: (held.clear(), held.add(value)))
_held("user_dict", lambda value: collections.UserDict(a=value), lambda self: self.held["a"], _set_item("a"))
_held("chain", lambda value: collections.ChainMap({"a": value}), lambda self: self.held["a"], _set_item("a"))
_held("counter", lambda value: collections.Counter(a=value), lambda self: self.held["a"], _set_item("a"))
_held("of_list", lambda value: _with_factor(ListWithMore(), value))
_held("of_number", lambda value: _with_factor(NumberWithMore(1.0), value))
_held("of_tensor", lambda value: _with_factor(torch.zeros(1), value))
_held("of_function", lambda value: _with_factor(lambda: 0, value))
_held("polynomial", lambda value: np.poly1d([value]), lambda self: self.held(0.0), lambda held, v: held.coeffs.fill(v))
_held("nested", lambda value: types.SimpleNamespace(inner=[Options(value)]), lambda self: self.held.inner[0].factor,
      lambda held, value: held.inner.__setitem__(0, Options(value)))  # fmt: skip
_held("dotted", lambda value: types.SimpleNamespace(inner=Options(value)),
      lambda self: operator.attrgetter("inner.factor")(self.held),
      lambda held, value: setattr(held.inner, "factor", value))  # fmt: skip
_held("thread_local", lambda value: _with_factor(threading.local(), value))
_held("computed_name", Options, lambda self: getattr(self.held, self.name()))
Reads.name = lambda self: "fac" + "tor"
_held("copied", Options, lambda self: copy.copy(self.held).factor)
_held("whole_dict", Options,
      put=lambda held, value: setattr(held, "__dict__", {"factor": value}))  # fmt: skip
_held("tensor", lambda value: torch.tensor([value]), lambda self: self.held, lambda held, value: held.fill_(value))
_held("tensor_in_namespace", lambda value: types.SimpleNamespace(factor=torch.tensor([value])),
      put=lambda held, value: setattr(held, "factor", torch.tensor([value])))  # fmt: skip


def _matched(self):
    match self.held:
        case Options(factor=factor):
            return factor


_held("matched", Options, _matched)
