"""What a name means: plain, qualified or an alias, of a built-in, of one plugin or of several."""

import sys
from importlib.metadata import EntryPoint

import pytest

import corenet as cn
from corenet.errors import (
    AmbiguousComponentError,
    BrokenComponentError,
    UnavailableComponentError,
    UnknownComponentError,
)
from corenet.registry import ComponentSpec, hookimpl
from corenet.registry.discovery import Declared, Plugin, discover
from corenet.registry.reason import Reason
from corenet.registry.registry import Registry
from corenet.registry.spec import KINDS

CODE = """
from corenet import Module

class Swish(Module): ...
"""


def hooked(distribution, *specs, kind="modules"):
    hooks = type("Hooks", (), {f"corenet_{kind}": hookimpl(lambda self: specs)})()
    hooks.__class__.__dict__[f"corenet_{kind}"].__name__ = f"corenet_{kind}"
    return Plugin(distribution, "1", "", lambda: hooks)


def off(distribution, names, status="disabled", text="why"):
    """A plugin that may not be used, and what it declares."""
    declared = [EntryPoint(name, f"{distribution}_code:X", "corenet.modules") for name in names]
    return Plugin(distribution, "1", "", lambda: Declared(declared), status, (Reason(status, text),))


def row_of(made, qualified):
    (row,) = [row for row in made.components() if row.qualified_name == qualified]
    return row


def test_a_name_of_a_built_in_is_shadowed_and_reached_qualified(install, made):
    install("corenet-x", {"corenet.modules": "linear = x_code:Swish"}, x_code=CODE)
    found = made()
    assert row_of(found, "corenet-x:linear").status == "shadowed"
    assert found.get("module", "linear") is cn.Linear
    assert found.get("module", "corenet:linear") is cn.Linear
    assert found.get("module", "Corenet_X:linear").__name__ == "Swish"
    assert row_of(found, "corenet-x:linear").status == "shadowed"


def test_a_shadowed_component_that_breaks_leaves_the_built_in_alone(install, made):
    install("corenet-x", {"corenet.modules": "linear = x_gone:X"})
    found = made()
    with pytest.raises(BrokenComponentError):
        found.get("module", "corenet-x:linear")
    assert row_of(found, "corenet-x:linear").status == "broken"
    assert found.get("module", "linear") is cn.Linear


def test_two_distributions_with_one_name_are_ambiguous(install, made):
    install("corenet-b", {"corenet.modules": "swish = b_code:Swish"}, b_code=CODE)
    install("corenet-a", {"corenet.modules": "swish = a_code:Swish"}, a_code=CODE)
    found = made()
    with pytest.raises(AmbiguousComponentError) as caught:
        found.get("module", "swish")
    assert caught.value.candidates == ("corenet-a:swish", "corenet-b:swish")
    assert caught.value.name == "swish"
    assert str(caught.value) == (
        "module 'swish' is registered by several plugins; use one of corenet-a:swish, corenet-b:swish"
    )
    assert {row_of(found, name).status for name in caught.value.candidates} == {"ambiguous"}
    assert found.get("module", "corenet-a:swish") is sys.modules["a_code"].Swish
    with pytest.raises(AmbiguousComponentError):  # whatever has been loaded since
        found.get("module", "swish")


def test_a_name_wins_over_an_alias():
    found = Registry(
        [
            hooked("corenet-a", ComponentSpec("silu", "a:Silu", aliases=("swish",))),
            hooked("corenet-b", ComponentSpec("swish", "b:Swish")),
        ]
    )
    assert found.find("module", "swish").qualified_name == "corenet-b:swish"
    assert {row.status for row in found.components()} == {"declared"}


def test_an_alias_finds_its_component_and_only_in_its_kind():
    found = Registry([hooked("corenet-a", ComponentSpec("silu", "a:Silu", aliases=("swish",)))])
    assert found.find("module", "swish").name == "silu"
    with pytest.raises(UnknownComponentError):
        found.find("loss", "swish")


def test_two_strangers_with_one_alias_are_ambiguous():
    specs = [ComponentSpec(name, "x:X", aliases=("swish",)) for name in ("one", "two")]
    found = Registry([hooked("corenet-a", specs[0]), hooked("corenet-b", specs[1])])
    with pytest.raises(AmbiguousComponentError, match=r"use one of corenet-a:one, corenet-b:two$"):
        found.find("module", "swish")


def test_no_stranger_takes_the_alias_of_a_built_in():
    stranger = hooked("corenet-a", ComponentSpec("other", "x:X", aliases=("mse_loss",)), kind="losses")
    found = Registry([*[plugin for plugin in discover() if plugin.distribution == "corenet"], stranger])
    assert found.find("loss", "mse_loss").qualified_name == "corenet:mse"


def test_what_may_not_be_used_gives_way_even_to_an_alias():
    usable = hooked("corenet-b", ComponentSpec("silu", "b:Silu", aliases=("swish",)))
    found = Registry([off("corenet-a", ["swish"]), usable])
    assert found.find("module", "swish").qualified_name == "corenet-b:silu"
    assert found.find("module", "corenet-a:swish").status == "disabled"


def test_of_several_that_may_not_be_used_none_is_meant():
    found = Registry([off("corenet-a", ["swish"]), off("corenet-b", ["swish"])])
    with pytest.raises(AmbiguousComponentError, match=r"use one of corenet-a:swish, corenet-b:swish$"):
        found.get("module", "swish")


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("module", "liner", "there is no module 'liner' (did you mean 'linear'?); corenet list-components shows all"),
        (
            "module",
            "corenet:rellu",
            "there is no module 'corenet:rellu' (did you mean 'corenet:relu'?); corenet list-components shows all",
        ),
        (
            "loss",
            "mse_los",
            "there is no loss 'mse_los' (did you mean 'mse_loss'?); corenet list-components shows all",
        ),
        (
            "optimizer",
            "linear",
            "there is no optimizer 'linear' ('linear' is a module); corenet list-components shows all",
        ),
        ("module", "\x1b[31m", "there is no module '\\x1b[31m'; corenet list-components shows all"),
        ("layer", "linear", f"there is no kind 'layer'; the kinds of components are {str([*KINDS])[1:-1]}"),
    ],
)
def test_an_unknown_name_says_what_is_near(kind, name, message):
    with pytest.raises(UnknownComponentError) as caught:
        cn.get(kind, name)
    assert str(caught.value) == message


@pytest.mark.parametrize("status", ["disabled", "incompatible"])
def test_what_may_not_be_used_is_refused_with_its_reason(status):
    found = Registry([off("corenet-a", ["swish"], status)])
    for name in ("swish", "corenet-a:swish"):
        with pytest.raises(UnavailableComponentError) as caught:
            found.get("module", name)
        assert str(caught.value) == f"module corenet-a:swish is {status}: why"
        assert (caught.value.component, caught.value.status) == ("corenet-a:swish", status)
