"""Whatever a step reads by name is seen to change and named by its path; what it does not read may change."""

import types

import pytest

import corenet as cn
from corenet.training.engines.recording.guards import Guards

FACTOR = 2.0
SETTINGS = {"factor": 2.0}


class Scaled(cn.Module):
    """y = c x, with a factor that a subclass finds somewhere."""

    def forward(self, input):
        return self.factor() * input

    def backward(self, grad_output):
        return self.factor() * grad_output

    def factor(self):
        return 1.0


class OfOwnClass(Scaled):
    scale = 2.0

    def factor(self):
        return self.scale


class OfGlobal(Scaled):
    def factor(self):
        return FACTOR


class OfGlobalItem(Scaled):
    def factor(self):
        return SETTINGS["factor"]


def computed():
    return FACTOR


class OfGlobalFunction(Scaled):
    def factor(self):
        return computed()


def closure():
    """Return a module that reads a variable around it, and what sets that."""
    factor = 2.0

    class OfClosure(Scaled):
        def factor(self):
            return factor

    def change(module):
        nonlocal factor
        factor = 3.0

    return OfClosure(), change


def set_class(kind, name, value=3.0):
    """Return what changes a class as long as a test lasts."""
    return lambda module, patch: patch.setattr(kind, name, value)


def set_global(name, value):
    return lambda module, patch: patch.setitem(globals(), name, value)


def replaced_method(module):
    module.forward = lambda x: 3 * x


KINDS = {
    "its own class": (OfOwnClass, set_class(OfOwnClass, "scale")),
    "its own attribute": (OfOwnClass, lambda module: vars(module).update(scale=3.0)),
    "a method of its class": (OfOwnClass, set_class(OfOwnClass, "factor", lambda self: 3.0)),
    "a method of a base class": (OfOwnClass, set_class(Scaled, "forward", lambda self, x: 3 * x)),
    "a method of its own": (OfOwnClass, replaced_method),
    "a global": (OfGlobal, set_global("FACTOR", 3.0)),
    "an item of a global": (OfGlobalItem, lambda module, patch: patch.setitem(SETTINGS, "factor", 3.0)),
    "a global that a function reads": (OfGlobalFunction, set_global("FACTOR", 3.0)),
    "a global function": (OfGlobalFunction, set_global("computed", lambda: 3.0)),
    "the code of a function": (
        OfGlobalFunction,
        lambda module, patch: patch.setattr(computed, "__code__", (lambda: 3.0).__code__),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_step_reads_by_name_is_seen_to_change(kind, assert_seen):
    make, change = KINDS[kind]
    assert_seen(make(), change)


def test_a_variable_around_a_class_is_seen_to_change():
    module, change = closure()
    guards = Guards.of_step(module, cn.MSELoss())
    assert guards.changed() is None
    change(module)
    assert guards.changed() is not None


PATHS = {
    "its attribute": (OfOwnClass, lambda module: vars(module).update(scale=3.0), "model.1.scale"),
    "its class": (OfOwnClass, set_class(OfOwnClass, "scale"), "OfOwnClass.scale"),
    "a global": (OfGlobal, set_global("FACTOR", 3.0), f"{__name__}.FACTOR"),
}


@pytest.mark.parametrize("kind", PATHS)
def test_what_changed_is_named_by_its_path(kind, apply):
    make, change, path = PATHS[kind]
    module = make()
    guards = Guards.of_step(cn.Sequential(cn.Tanh(), module), cn.MSELoss())
    apply(change, module)
    assert guards.changed() == path


class Unread(Scaled):
    """Has a lot that its step does not read."""

    notes = ()

    def __init__(self):
        self.held = types.SimpleNamespace(factor=2.0)

    def summary(self):
        return self.notes, SETTINGS

    def factor(self):
        return self.held.factor


def test_what_a_step_does_not_read_may_change(monkeypatch):
    guards = Guards.of_step(cn.Sequential(Unread()), cn.MSELoss())
    monkeypatch.setattr(Unread, "notes", ("one",), raising=True)
    monkeypatch.setattr(Unread, "summary", lambda self: None)
    monkeypatch.setitem(SETTINGS, "factor", 3.0)
    monkeypatch.setitem(globals(), "KINDS", {})
    assert guards.changed() is None
