"""Whatever a step reads of an object is seen to change, wherever that keeps it."""

import argparse
import dataclasses
import functools
import types

import numpy
import pytest

import corenet as cn
from corenet.training.engines.recording.guards import Guards

FACTOR = 2.0


class Scaled(cn.Module):
    """y = c x, with a factor that a subclass finds somewhere."""

    def forward(self, input):
        return self.factor() * input

    def backward(self, grad_output):
        return self.factor() * grad_output

    def factor(self):
        return 1.0


@dataclasses.dataclass
class Options:
    factor: float = 2.0


class InSlots:
    __slots__ = ("factor",)

    def __init__(self):
        self.factor = 2.0


class InClass:
    factor = 2.0


class Nested:
    def __init__(self):
        self.inner = types.SimpleNamespace(options=Options())


class Described:
    """A property over something private."""

    def __init__(self):
        self._factor = 2.0

    @property
    def factor(self):
        return self._factor


class Calls:
    def __init__(self):
        self.factor = 2.0

    def __call__(self):
        return self.factor


class Operators:
    """Its methods are called by what Python does, not by their names."""

    def __getitem__(self, place):
        return FACTOR

    def __getattr__(self, name):
        return FACTOR


class OfObject(Scaled):
    """Reads the attribute ``factor`` of an object that it holds."""

    def __init__(self, held):
        self.held = held

    def factor(self):
        return self.held.factor


class OfItem(OfObject):
    def factor(self):
        return self.held[0]


class OfItemOf(OfObject):
    def factor(self):
        return self.held[0].factor


class OfKey(OfObject):
    def factor(self):
        return self.held["factor"]


class OfCall(OfObject):
    def factor(self):
        return self.held()


class OfNested(OfObject):
    def factor(self):
        return self.held.inner.options.factor


class OfLength(OfObject):
    def factor(self):
        return len(self.held)


class OfDynamicName(OfObject):
    name = "factor"

    def factor(self):
        return getattr(self.held, self.name)


def times(factor, of=1.0):
    return factor * of


def setting(**values):
    return lambda module: vars(module.held).update(values)


def set_slot(module):
    module.held.factor = 3.0


def set_of_nested(module):
    module.held.inner.options.factor = 3.0


def replace_nested(module):
    module.held.inner = types.SimpleNamespace(options=Options(3.0))


def replace_held(module):
    module.held = Options(3.0)


def set_class(kind, name, value=3.0):
    """Return what changes a class as long as a test lasts."""
    return lambda module, patch: patch.setattr(kind, name, value)


def set_global(name, value):
    return lambda module, patch: patch.setitem(globals(), name, value)


KINDS = {
    "a namespace": (lambda: OfObject(types.SimpleNamespace(factor=2.0)), setting(factor=3.0)),
    "the arguments of a program": (lambda: OfObject(argparse.Namespace(factor=2.0)), setting(factor=3.0)),
    "a dataclass": (lambda: OfObject(Options()), setting(factor=3.0)),
    "another object in its place": (lambda: OfObject(Options()), replace_held),
    "slots": (lambda: OfObject(InSlots()), set_slot),
    "a property": (lambda: OfObject(Described()), setting(_factor=3.0)),
    "the class of an object": (lambda: OfObject(InClass()), set_class(InClass, "factor")),
    "an attribute over that of the class": (lambda: OfObject(InClass()), setting(factor=3.0)),
    "an object in an object": (lambda: OfNested(Nested()), set_of_nested),
    "another object in an object": (lambda: OfNested(Nested()), replace_nested),
    "an array": (lambda: OfItem(numpy.full(2, 2.0)), lambda module: module.held.fill(3.0)),
    "a list": (lambda: OfItem([2.0]), lambda module: module.held.__setitem__(0, 3.0)),
    "the length of a list": (lambda: OfLength([2.0, 2.0]), lambda module: module.held.append(1.0)),
    "a dict": (lambda: OfKey({"factor": 2.0}), lambda module: module.held.update(factor=3.0)),
    "a key of a dict": (lambda: OfLength({"factor": 2.0}), lambda module: module.held.update(more=1)),
    "a set": (lambda: OfLength({1, 2}), lambda module: module.held.add(3)),
    "an object in a list": (lambda: OfItemOf([Options()]), lambda module: vars(module.held[0]).update(factor=3.0)),
    "what an operator of an object reads": (lambda: OfItem(Operators()), set_global("FACTOR", 3.0)),
    "an operator of an object": (
        lambda: OfItem(Operators()),
        set_class(Operators, "__getitem__", lambda self, place: 3.0),
    ),
    "how an object finds its attributes": (lambda: OfObject(Operators()), set_global("FACTOR", 3.0)),
    "a name that is computed": (lambda: OfDynamicName(Options()), setting(factor=3.0)),
    "a callable object": (lambda: OfCall(Calls()), setting(factor=3.0)),
    "a partial": (
        lambda: OfCall(functools.partial(times, 2.0, of=1.0)),
        lambda module: module.held.keywords.update(of=3.0),
    ),
    "the defaults of a function": (
        lambda: OfCall(lambda factor=2.0: factor),
        lambda module: setattr(module.held, "__defaults__", (3.0,)),
    ),
    "a bound method": (lambda: OfCall(Calls().__call__), lambda module: vars(module.held.__self__).update(factor=3.0)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_step_reads_of_an_object_is_seen_to_change(kind, assert_seen):
    make, change = KINDS[kind]
    assert_seen(make(), change)


PATHS = {
    "an object": (lambda: OfObject(Options()), setting(factor=3.0), "model.1.held.factor"),
    "a list": (lambda: OfItem([2.0]), lambda module: module.held.__setitem__(0, 3.0), "model.1.held"),
}


@pytest.mark.parametrize("kind", PATHS)
def test_what_changed_of_an_object_is_named_by_its_path(kind, apply):
    make, change, path = PATHS[kind]
    module = make()
    guards = Guards.of_step(cn.Sequential(cn.Tanh(), module), cn.MSELoss())
    apply(change, module)
    assert guards.changed() == path
