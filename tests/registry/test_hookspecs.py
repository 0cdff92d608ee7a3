"""Every hook is documented, is called, and is the way of the built-ins too."""

import inspect
from pathlib import Path

import pytest

from corenet.registry import ComponentSpec, hookimpl, hookspecs
from corenet.registry.collect import HOOKS
from corenet.registry.discovery import Declared, Plugin
from corenet.registry.registry import Registry
from corenet.registry.spec import KINDS

SPECS = [name for name, value in vars(hookspecs).items() if hasattr(value, "corenet_spec")]
GUIDE = Path(__file__).parents[2] / "docs" / "writing-a-plugin.md"


def test_there_is_a_hook_for_each_kind():
    assert [f"corenet_{each}" for each in ["modules", "losses", "optimizers"]] == SPECS[:3]
    assert [f"corenet_{each}" for each in ["schedules", "metrics", "callbacks", "initializers"]] == SPECS[3:]
    assert list(HOOKS.values()) == SPECS
    assert list(HOOKS) == list(KINDS)


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_is_documented(name):
    function = getattr(hookspecs, name)
    assert inspect.getdoc(function).startswith("Return the ")
    assert inspect.signature(function).return_annotation == "Iterable[ComponentSpec]"
    assert f"`{name}`" in GUIDE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_is_called_once_and_answers_for_its_kind(name):
    calls = []

    def answer():
        calls.append(name)
        return [ComponentSpec("x", "x:X")]

    answer.__name__ = name
    answer.__module__ = "x"
    plugin = type("Hooks", (), {name: staticmethod(hookimpl(answer))})()
    rows = Registry([Plugin("corenet-x", "1", "", lambda: plugin)]).components()
    assert [(row.name, HOOKS[row.kind]) for row in rows] == [("x", name)]
    assert calls == [name]


@pytest.mark.parametrize("name", SPECS)
def test_the_declared_and_the_built_in_components_go_the_same_way(name):
    import corenet.builtin

    assert hasattr(getattr(corenet.builtin, name), "corenet_impl")
    assert hasattr(getattr(Declared, name), "corenet_impl")
