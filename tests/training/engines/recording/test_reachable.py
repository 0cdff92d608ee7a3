"""The walk itself: where it goes, where it stops, and what it says of that."""

import types

import pytest
import torch

from corenet.training.engines.recording import reachable as module
from corenet.training.engines.recording.reachable import Reachable
from corenet.training.engines.recording.watches import Attributes, Items, Memory, Names


class Root:
    def __init__(self, **attributes):
        vars(self).update(attributes)

    def step(self):
        return self.one, self.two

    def other(self):
        return self.three


def walked(root, entries=("step",), ignored=()):
    walk = Reachable(entries, ignored)
    walk.add(root, "root")
    return walk, *walk.explore()


def paths(watches, kind):
    return {watch._path for watch in watches if type(watch) is kind}


def test_what_entries_read_is_walked_and_nothing_else():
    parts = {name: types.SimpleNamespace(two=[1]) for name in ("one", "three")}
    _, own, shared, unseen = walked(Root(**parts, two=None))
    assert paths(own, Attributes) == {"root"}
    assert paths(shared, Attributes) == {"root.one", "Root.step"}  # a function may have attributes
    assert paths(shared, Items) >= {"root.one.two"}
    assert not any("three" in each for each in paths(shared, Items))
    assert unseen == []
    _, _, shared, _ = walked(Root(**parts, two=None), entries=("other",))
    assert paths(shared, Attributes) == {"root.three", "Root.other"}


def test_tensors_are_watched_by_their_memory_and_belong_to_the_root():
    _, own, shared, _ = walked(Root(one=[torch.ones(2)], two=None))
    assert paths(own, Memory) == {"root.one[0]"}
    assert paths(shared, Memory) == set()


def test_ignored_attributes_are_of_no_account():
    root = Root(one=[1], two=[2])
    _, own, shared, _ = walked(root, ignored=("two",))
    assert "root.two" not in paths(shared, Items)
    root.two = 3
    assert own[0].changed() is None
    root.one = 3
    assert own[0].changed() == "root.one"


def test_a_circle_is_walked_once():
    root = Root(one=[], two=None)
    root.one.append(root)
    walk, own, _, unseen = walked(root)
    assert len(paths(own, Attributes)) == 1
    assert unseen == []
    assert walk.returns == ["root.one[0]"]


def test_what_a_trial_might_change_is_named():
    walk, *_ = walked(Root(one=[1], two=({"a": {1}}, (2,))))
    assert walk.mutable == ["root.one", "root.two[0]", "root.two[0][1]"]


class Sets(Root):
    def step(self):
        self.one = 1
        setattr(self, "two", 2)  # noqa: B010 - it is what is looked for


def test_what_code_sets_is_named():
    walk, *_ = walked(Sets())
    assert walk.sets == ["one in Sets.step", "setattr in Sets.step"]


def test_a_walk_that_leads_too_far_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "MOST", 50)
    *_, unseen = walked(Root(one=[[each] for each in range(100)], two=None))
    (said,) = unseen
    assert said.path.startswith("more than 50 objects, such as root.one[")


@pytest.mark.parametrize("value", [iter([1]), (each for each in (1,)), memoryview(b"1"), object()])
def test_what_shows_nothing_of_itself_is_named(value):
    *_, unseen = walked(Root(one=value, two=None))
    assert [each.path for each in unseen] == ["root.one"]


def read_by_name(root):
    return root.one


def test_names_are_found_until_no_new_one_is_read():
    """A function found late may read an attribute of an object visited before."""
    held = types.SimpleNamespace(deep=[1])
    root = Root(one=held, two=types.SimpleNamespace(two=lambda found: found.deep))
    _, _, shared, _ = walked(root)
    assert "root.one.deep" in paths(shared, Items)
    assert any(f"{read_by_name.__module__}" in each for each in paths(shared, Names))
