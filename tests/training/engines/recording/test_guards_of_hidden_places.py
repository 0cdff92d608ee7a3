"""What a step reads where a walk along attributes and globals alone would not come by."""

import collections
import dataclasses
import enum
import functools
import itertools
import operator
import sys
import threading
import types

import numpy
import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.unsupported import NotRecordable

FACTOR = 2.0


class Scaled(cn.Module):
    """y = c x, with a factor that is read from what it holds."""

    def __init__(self, read, held=None):
        self.read, self.held = read, held

    def forward(self, input):
        return self.read(self.held) * input

    def backward(self, grad_output):
        return self.read(self.held) * grad_output


class Plain:
    factor = 2.0

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


class InPrivateSlots:
    __slots__ = ("__factor",)

    def __init__(self):
        self.put(2.0)

    def put(self, factor):
        self.__factor = factor

    def get(self):
        return self.__factor


class DictWithMethod(dict):
    def found(self):
        return FACTOR


class Number(float):
    pass


class Inherits(Plain):
    def __init__(self):
        pass


class Set:
    """Sets a global when something is given to it."""

    @property
    def found(self):
        return 1.0

    @found.setter
    def found(self, value):
        global FACTOR
        FACTOR += value


@functools.singledispatch
def dispatched(value):
    return FACTOR


def named(held):
    return held.named(held)


def match_factor(held):
    match held:
        case Plain(factor=found):
            return found


def imported(held):
    from tests.training.engines.recording.test_guards_of_hidden_places import FACTOR as found

    return found


def with_factor(held):
    held.factor = 2.0
    return held


def read_factor(held):
    return held.factor


def set_global(held, patch):
    patch.setitem(globals(), "FACTOR", 3.0)


def set_factor(held, patch):
    held.factor = 3.0


def set_of_kind(held, patch):
    patch.setattr(type(held), "factor", 3.0, raising=False)


def set_item(key):
    return lambda held, patch: held.__setitem__(key, 3.0)


class Another:
    factor = 3.0


NAMES = types.SimpleNamespace(named="fac" + "tor")
PLACES = {
    "what makes a helper": (lambda held: Plain().factor, None, set_global),
    "what makes one of the kind at hand": (lambda held: type(held)().factor, Plain(), set_global),
    "what a dataclass does after": (lambda held: AfterInit().factor, None, set_global),
    "what a replaced dataclass does after": (lambda held: dataclasses.replace(held).factor, AfterInit(), set_global),
    "a metaclass": (lambda held: Made(), None, set_global),
    "how an object is shown": (lambda held: float(f"{held}"), Shown(), set_global),
    "a method of a dict": (lambda held: held.found(), DictWithMethod(), set_global),
    "an import": (imported, None, set_global),
    "an attribute of a list": (read_factor, with_factor(collections.UserList()), set_factor),
    "an attribute of a number": (read_factor, with_factor(Number(1.0)), set_factor),
    "an attribute of a tensor": (read_factor, with_factor(torch.zeros(1)), set_factor),
    "an attribute of a function": (read_factor, with_factor(lambda: None), set_factor),
    "a private slot": (lambda held: held.get(), InPrivateSlots(), lambda held, patch: held.put(3.0)),
    "a name that was inherited": (read_factor, Inherits(), set_of_kind),
    "a computed name of a class": (lambda held: getattr(held, NAMES.named), Inherits(), set_of_kind),
    "names with a dot": (
        lambda held: operator.attrgetter("inner.factor")(held),
        types.SimpleNamespace(inner=Plain()),
        lambda held, patch: set_factor(held.inner, patch),
    ),
    "a pattern": (match_factor, Plain(), set_factor),
    "a global and an attribute of one name": (
        named,
        types.SimpleNamespace(named=lambda held: held.factor, factor=2.0),
        lambda held, patch: setattr(held, "named", lambda held: 3.0),
    ),
    "another class": (read_factor, Inherits(), lambda held, patch: setattr(held, "__class__", Another)),
    "another dict": (read_factor, Plain(), lambda held, patch: setattr(held, "__dict__", {"factor": 3.0})),
    "what a trusted class holds": (lambda held: held["a"], collections.UserDict(a=2.0), set_item("a")),
    "what a chain holds": (lambda held: held["a"], collections.ChainMap({"a": 2.0}), set_item("a")),
    "what a polynomial holds": (
        lambda held: held(0.0),
        numpy.poly1d([2.0]),
        lambda held, patch: held.coeffs.fill(3.0),
    ),
    "a member": (
        lambda held: held.ONE.value,
        enum.Enum("Kind", {"ONE": 2.0}),
        lambda held, patch: setattr(held.ONE, "_value_", 3.0),
    ),
    "what a default dict makes": (
        lambda held: held["absent"],
        collections.defaultdict(lambda: 2.0),
        lambda held, patch: setattr(held, "default_factory", lambda: 3.0),
    ),
    "torch's default dtype": (
        lambda held: torch.ones(1),
        None,
        lambda held, patch: torch.set_default_dtype(torch.float64),
    ),
}


@pytest.fixture(autouse=True)
def _default_dtype():
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("place", PLACES)
def test_it_is_seen_to_change(place, monkeypatch):
    read, held, change = PLACES[place]
    guards = Guards.of_step(cn.Sequential(Scaled(read, held)), cn.MSELoss())
    guards.refuse_unseen()
    assert guards.changed() is None
    change(held, monkeypatch)
    assert guards.changed() is not None


class Counts(itertools.count):
    pass


@pytest.mark.parametrize(
    ("read", "held"),
    [
        (lambda held: globals()["FACTOR"], None),
        (dispatched, 1),
        (lambda held: next(held), itertools.count()),
        (lambda held: dict(zip("a", held, strict=False))["a"], Counts()),
        (lambda held: held[0], numpy.array([2.0], dtype=object)),
        (read_factor, with_factor(threading.local())),
        (lambda held: hash(held), torch.ones(1)),
        (lambda held: held._getframe(0).f_lineno, sys),
        (lambda held: held.default_generator.get_state(), torch),
    ],
)
def test_it_cannot_be_seen_and_is_refused(read, held):
    guards = Guards.of_step(cn.Sequential(Scaled(read, held)), cn.MSELoss())
    with pytest.raises(NotRecordable, match="may change without being seen"):
        guards.refuse_unseen()


def sets_by_a_property(held):
    held.found = 1.0
    return 1.0


def test_what_a_property_sets_is_seen(monkeypatch):
    monkeypatch.setitem(globals(), "FACTOR", 2.0)
    model = cn.Sequential(Scaled(sets_by_a_property, Set()))
    guards = Guards.of_step(model, cn.MSELoss())
    model.eval()(torch.ones(2))
    assert FACTOR == 3.0
    assert guards.changed() is not None


def test_the_code_that_shows_a_module_of_ours_is_no_part_of_a_step():
    """Our own messages show modules; what shows them may look at anything."""

    class Looks(cn.Tanh):
        def __repr__(self):
            return f"Looks at {id(self)}"

    Guards.of_step(cn.Sequential(Looks()), cn.MSELoss()).refuse_unseen()


def test_shapes_that_are_equal_are_no_change():
    module = cn.Tanh()
    module.shape = torch.zeros(2, 3).shape
    guards = Guards.of_step(module, cn.MSELoss())
    module.shape = torch.zeros(2, 3).shape
    assert guards.changed() is None
    module.shape = torch.zeros(2, 4).shape
    assert guards.changed() == "model.shape"
