"""An argument that may be a name: of a built-in, of a plugin, or the thing itself."""

import pytest

import corenet as cn
from corenet.registry import named
from corenet.registry.discovery import discover
from corenet.registry.named import made
from corenet.registry.registry import Registry

CODE = """
import corenet as cn

class Halves(cn.Initializer):
    def __call__(self, weight):
        weight.fill_(0.5)

class Needs(cn.Initializer):
    def __init__(self, value): ...
"""


@pytest.fixture
def plugin(install, monkeypatch):
    """Install initializers of a stranger; return a registry that counts how often it is asked for."""
    install("corenet-x", {"corenet.initializers": "halves = x_code:Halves\nneeds = x_code:Needs"}, x_code=CODE)
    asked = []

    def registry():
        asked.append(1)
        return Registry(plugin for plugin in discover() if plugin.distribution in ("corenet", "corenet-x"))

    monkeypatch.setattr(named, "registry", registry)
    return asked


@pytest.mark.parametrize("name", ["halves", "corenet-x:halves", "Corenet_X:halves"])
def test_a_layer_takes_the_initializer_of_a_plugin(plugin, name):
    assert cn.Linear(2, 3, init=name).weight.unique().tolist() == [0.5]


@pytest.mark.parametrize("name", ["he_normal", "corenet:he_normal"])
def test_a_built_in_is_found_without_a_look_at_any_plugin(plugin, name):
    assert type(made("initializer", name, "init")) is cn.HeNormal
    assert plugin == []


def test_a_new_one_is_made_each_time():
    assert made("callback", "early_stopping", "callbacks") is not made("callback", "early_stopping", "callbacks")


@pytest.mark.parametrize("value", [None, 3, len, cn.F1()])
def test_what_is_no_name_is_returned_as_it_is(value):
    assert made("metric", value, "metrics") is value


def test_a_component_that_needs_arguments_is_refused_by_its_name_alone(plugin):
    with pytest.raises(
        cn.ConfigError, match=r"init: initializer 'needs' cannot be made .*; give Needs\(\.\.\.\)"
    ) as caught:
        cn.Linear(2, 3, init="needs")
    assert (caught.value.name, caught.value.value) == ("init", "needs")


def test_an_unknown_name_says_what_is_near(plugin):
    with pytest.raises(cn.UnknownComponentError, match=r"no initializer 'halve' \(did you mean 'halves'\?\)"):
        cn.Linear(2, 3, init="halve")
    with pytest.raises(cn.UnknownComponentError, match=r"no initializer 'tanh' \('tanh' is a module\)"):
        cn.Linear(2, 3, init="tanh")


def test_a_broken_plugin_costs_a_built_in_nothing_even_where_it_is_an_error(monkeypatch):
    def registry():
        raise cn.BrokenPluginError("x is broken")

    monkeypatch.setattr(named, "registry", registry)
    assert cn.Linear(2, 3, init="zeros").weight.count_nonzero() == 0
    with pytest.raises(cn.BrokenPluginError):
        cn.Linear(2, 3, init="halves")
