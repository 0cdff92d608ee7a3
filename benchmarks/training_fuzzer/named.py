"""A number that code finds by a name: a global, an attribute of another module, what stands in the environment."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import os

import torch

from benchmarks.training_fuzzer import elsewhere
from benchmarks.training_fuzzer.strange import reading

FACTOR = 1.0
TABLE = {"factor": 1.0}
NAMED = {}


class DictWithMethod(dict):
    def get_factor(self):
        return FACTOR


@dataclasses.dataclass
class Options:
    factor: float = 1.0


def _set_global(value):
    global FACTOR
    FACTOR = value


def _of_global(name, read, put=_set_global):
    def kind(use, value):
        put(value)
        return reading(use, read, DictWithMethod(), put)

    NAMED[name] = kind


def through_function():
    return FACTOR


class Helper:
    def __init__(self):
        self.factor = FACTOR


@dataclasses.dataclass
class AfterInit:
    factor: float = 0.0

    def __post_init__(self):
        self.factor = FACTOR


class Meta(type):
    def __call__(cls):
        return FACTOR


class Made(metaclass=Meta):
    pass


class Shown:
    def __str__(self):
        return str(FACTOR)


@functools.singledispatch
def dispatched(value):
    return FACTOR


@contextlib.contextmanager
def in_context():
    yield FACTOR


def _from_context(self):
    with in_context() as factor:
        return factor


def _imported(self):
    from benchmarks.training_fuzzer.elsewhere import FACTOR as found

    return found


def _set_elsewhere(value):
    elsewhere.FACTOR = value


SHOWN = Shown()
VARIABLE = contextvars.ContextVar("factor", default=1.0)
_of_global("global", lambda self: FACTOR)
_of_global("of_the_same_name", lambda self: elsewhere.elsewhere(elsewhere), lambda v: setattr(elsewhere, "FACTOR", v))
_of_global("function", lambda self: through_function())
_of_global("helper", lambda self: Helper().factor)
_of_global("class_of_helper", lambda self: type(Options())(1.0).factor * Helper().factor)
_of_global("post_init", lambda self: AfterInit().factor)
_of_global("replaced", lambda self: dataclasses.replace(AfterInit()).factor)
_of_global("metaclass", lambda self: Made())
_of_global("formatted", lambda self: float(f"{SHOWN}"))
_of_global("dispatched", lambda self: dispatched(1))
_of_global("context", _from_context)
_of_global("method_of_dict", lambda self: self.held.get_factor())
_of_global("globals", lambda self: globals()["FACTOR"])
_of_global("imported", _imported, _set_elsewhere)
_of_global("of_module", lambda self: elsewhere.FACTOR, _set_elsewhere)
_of_global("item", lambda self: TABLE["factor"], lambda value: TABLE.update(factor=value))
_of_global("environment", lambda self: float(os.environ["FUZZED"]), lambda v: os.environ.update(FUZZED=str(v)))
_of_global("context_variable", lambda self: VARIABLE.get(), lambda value: VARIABLE.set(value))
_of_global("default_dtype", lambda self: torch.ones(1) * (torch.ones(1).dtype.itemsize / 8), lambda value: None)
