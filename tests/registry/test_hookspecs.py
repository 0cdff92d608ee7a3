"""Every hook is documented, is called, and is the way of the built-ins too."""

import inspect
from pathlib import Path

import pytest

from corenet.registry import ComponentSpec, ExperimentSpec, hookimpl, hookspecs
from corenet.registry.collect import HOOKS
from corenet.registry.discovery import Declared, Plugin
from corenet.registry.registry import Registry
from corenet.registry.spec import EXPERIMENT, KINDS

SPECS = [name for name, value in vars(hookspecs).items() if hasattr(value, "corenet_spec")]
GUIDE = Path(__file__).parents[2] / "docs" / "writing-a-plugin.md"


def test_there_is_a_hook_for_each_kind():
    assert [f"corenet_{each}" for each in ["modules", "losses", "optimizers"]] == SPECS[:3]
    assert [f"corenet_{each}" for each in ["schedules", "metrics", "callbacks", "initializers"]] == SPECS[3:7]
    assert SPECS[7:] == ["corenet_experiments"]
    assert list(HOOKS.values()) == SPECS
    assert list(HOOKS) == [*KINDS, EXPERIMENT]


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_is_documented(name):
    function = getattr(hookspecs, name)
    assert inspect.getdoc(function).startswith("Return the ")
    spec = "ExperimentSpec" if name == HOOKS[EXPERIMENT] else "ComponentSpec"
    assert inspect.signature(function).return_annotation == f"Iterable[{spec}]"
    assert f"`{name}`" in GUIDE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_is_called_once_and_answers_for_its_kind(name):
    calls = []

    def answer():
        calls.append(name)
        return [ExperimentSpec("x", "x:x.toml") if name == HOOKS[EXPERIMENT] else ComponentSpec("x", "x:X")]

    answer.__name__ = name
    answer.__module__ = "x"
    plugin = type("Hooks", (), {name: staticmethod(hookimpl(answer))})()
    registry = Registry([Plugin("corenet-x", "1", "", lambda: plugin)])
    rows = [row for row in (*registry.components(), *registry.experiments()) if row.kind != "plugin"]
    assert [(row.name, HOOKS[row.kind]) for row in rows] == [("x", name)]
    assert calls == [name]


@pytest.mark.parametrize("name", SPECS)
def test_the_declared_and_the_built_in_components_go_the_same_way(name):
    import corenet.builtin

    assert hasattr(getattr(corenet.builtin, name), "corenet_impl")
    assert name == HOOKS[EXPERIMENT] or hasattr(getattr(Declared, name), "corenet_impl")  # experiments have no group
