"""Each kind of value is remembered in a way that tells when it changes, and only then."""

import random
import types

import numpy
import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.watches import Attributes, Items, Memory, Names, State, alike, state_of


def test_names_are_watched_whether_they_are_there_or_not():
    space = types.SimpleNamespace(one=1, other=2)
    watch = Names("space", vars(space), ["one", "absent"])
    space.other = 5  # which nobody asked for
    assert watch.changed() is None
    space.absent = None
    assert watch.changed() == "space.absent"
    del space.absent
    space.one = 1.0
    assert watch.changed() == "space.one"
    space.one = 1
    assert watch.changed() is None


def test_an_attribute_that_was_added_or_removed_is_a_change_unless_it_is_ignored():
    space = types.SimpleNamespace(one=1, saved=2)
    watch = Attributes("space", space, ["saved", "steps"])
    space.saved, space.steps = 3, 4
    assert watch.changed() is None
    space.more = 1
    assert watch.changed() == "space.more"
    del space.more, space.one
    assert watch.changed() == "space.one"


@pytest.mark.parametrize(
    "change",
    [list.clear, lambda items: items.append(1), lambda items: items.reverse(), lambda items: items.__setitem__(0, 9)],
)
def test_items_are_compared_one_by_one(change):
    items = [1, 2.0, "three"]
    watch = Items("items", lambda: list(items))
    items[1] = 2.0  # an equal one
    assert watch.changed() is None
    change(items)
    assert watch.changed() == "items"


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: setattr(weight, "data", weight.data.clone()),
        lambda weight: setattr(weight, "data", weight.data.T),
        lambda weight: setattr(weight, "grad", torch.zeros_like(weight)),
        lambda weight: setattr(weight.grad, "data", weight.grad.data.clone()),
    ],
)
def test_a_tensor_is_watched_by_its_memory_not_by_its_numbers(change):
    weight = cn.Parameter(torch.ones(2, 2))
    watch = Memory("weight", weight)
    weight.add_(1)
    weight.grad.add_(1)
    assert watch.changed() is None
    change(weight)
    assert watch.changed() == "weight"


STATES = {
    "an array": (numpy.ones(3), lambda value: value.fill(2)),
    "one number of an array": (numpy.zeros(100), lambda value: value.__setitem__(57, 1e-300)),
    "random.Random": (random.Random(0), lambda value: value.random()),
    "a normal number kept": (random.Random(0), lambda value: value.gauss(0, 1)),
    "torch.Generator": (torch.Generator().manual_seed(0), lambda value: torch.rand(1, generator=value)),
    "numpy's generator": (numpy.random.default_rng(0), lambda value: value.random()),
    "numpy's old generator": (numpy.random.RandomState(0), lambda value: value.rand()),
}


@pytest.mark.parametrize("name", STATES)
def test_a_value_that_changes_inside_is_watched_by_its_state(name):
    value, change = STATES[name]
    watch = State("value", state_of(value))
    assert watch.changed() is None
    change(value)
    assert watch.changed() == "value"


@pytest.mark.parametrize("value", [1, "text", [1], random.SystemRandom(), numpy.array([object()]), torch.ones(1)])
def test_other_values_have_no_state_that_could_be_told(value):
    assert state_of(value) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (1, True, False),
        ("a" * 50, "".join(["a"] * 50), True),
        (float("nan"), float("nan"), False),
        (None, None, True),
        ([1], [1], False),
        (0.0, 0.0, True),
    ],
)
def test_plain_values_are_alike_if_they_are_equal_and_of_one_kind(one, other, expected):
    assert alike(one, other) is expected


def test_a_value_is_alike_itself():
    for value in (float("nan"), [1], object()):
        assert alike(value, value)
