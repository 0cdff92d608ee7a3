"""From a name to a class: who is meant, what it costs to load it, and what the row says after."""

import sys
from importlib.metadata import EntryPoint

import pytest

import corenet as cn
from corenet.errors import (
    AmbiguousComponentError,
    BrokenComponentError,
    BrokenPluginError,
    UnavailableComponentError,
    UnknownComponentError,
)
from corenet.registry import ComponentSpec, hookimpl
from corenet.registry.discovery import Declared, Plugin, discover
from corenet.registry.registry import Registry, registry, registry_under

CODE = """
from corenet import Loss, Module, Optimizer, Tanh

class Swish(Module): ...
class Outer:
    class Inner(Tanh): ...
class NoModule: ...
class Hinge(Loss): ...
class Adam(Optimizer): ...
instance = Tanh()
"""
BREAKS = {
    "gone": ("x_gone:X", "ModuleNotFoundError: No module named 'x_gone'"),
    "attribute": ("x_code:Missing", "AttributeError: module 'x_code' has no attribute 'Missing'"),
    "no_module": ("x_code:NoModule", "TypeError: x_code:NoModule is not a Module"),
    "a_loss": ("x_code:Hinge", "TypeError: x_code:Hinge is not a Module"),
    "instance": ("x_code:instance", "TypeError: x_code:instance is not a Module"),
    "raises": ("x_raises:X", "ZeroDivisionError: division by zero"),
    "exits": ("x_exits:X", "SystemExit: 0"),
}


@pytest.fixture
def made(install):
    """Return a registry of the built-ins and of the distributions installed by this test."""

    def make():
        ours = {"corenet", "corenet-a", "corenet-b", "corenet-x"}
        return Registry([plugin for plugin in discover() if plugin.distribution in ours])

    return make


def hooked(distribution, *specs, kind="modules"):
    hooks = type("Hooks", (), {f"corenet_{kind}": hookimpl(lambda self: specs)})()
    hooks.__class__.__dict__[f"corenet_{kind}"].__name__ = f"corenet_{kind}"
    return Plugin(distribution, "1", "", lambda: hooks)


def off(distribution, names, status="disabled", reason="why"):
    """A plugin that may not be used, and what it declares."""
    declared = [EntryPoint(name, f"{distribution}_code:X", "corenet.modules") for name in names]
    return Plugin(distribution, "1", "", lambda: Declared(declared), status, reason)


def row_of(made, qualified):
    (row,) = [row for row in made.components() if row.qualified_name == qualified]
    return row


def test_a_row_goes_from_declared_to_loaded(install, made):
    install("corenet-x", {"corenet.modules": "swish = x_code:Swish"}, x_code=CODE)
    found = made()
    assert row_of(found, "corenet-x:swish").status == "declared"
    assert "x_code" not in sys.modules
    assert found.get("module", "swish") is sys.modules["x_code"].Swish
    assert row_of(found, "corenet-x:swish").status == "loaded"
    assert found.find("module", "swish").status == "loaded"
    assert found.get("module", "swish") is sys.modules["x_code"].Swish


@pytest.mark.parametrize("name", BREAKS)
def test_a_row_goes_from_declared_to_broken_and_costs_nobody_else(install, made, name):
    declared = "\n".join(f"{each} = {target}" for each, (target, _) in BREAKS.items())
    install(
        "corenet-x",
        {"corenet.modules": f"swish = x_code:Swish\n{declared}"},
        x_code=CODE,
        x_raises="1 / 0",
        x_exits="raise SystemExit(0)",
    )
    found, reason = made(), BREAKS[name][1]
    assert row_of(found, f"corenet-x:{name}").status == "declared"
    for _ in range(2):  # the second time without an import
        with pytest.raises(BrokenComponentError) as caught:
            found.get("module", name)
        assert str(caught.value) == f"module corenet-x:{name} is broken: {reason}"
    row = row_of(found, f"corenet-x:{name}")
    assert (row.status, row.reason) == ("broken", reason)
    others = [row.status for row in found.components() if row.qualified_name != f"corenet-x:{name}"]
    assert set(others) == {"declared"}
    assert found.get("module", "swish").__name__ == "Swish"


def test_a_broken_target_is_not_imported_again(install, made):
    install("corenet-x", {"corenet.modules": "x = x_raises:X"}, x_raises="1 / 0")
    found = made()
    with pytest.raises(BrokenComponentError) as first:
        found.get("module", "x")
    with pytest.raises(BrokenComponentError) as second:
        found.get("module", "x")
    assert isinstance(first.value.__cause__, ZeroDivisionError)
    assert second.value.__cause__ is None


@pytest.mark.parametrize(
    ("kind", "target"), [("module", "Swish"), ("module", "Outer.Inner"), ("loss", "Hinge"), ("optimizer", "Adam")]
)
def test_each_kind_is_loaded_against_its_own_contract(install, made, kind, target):
    groups = {"corenet.modules": "", "corenet.losses": "", "corenet.optimizers": ""}
    for group in groups:
        groups[group] = f"it = x_code:{target}"
    install("corenet-x", groups, x_code=CODE)
    found = made()
    assert found.get(kind, "it").__qualname__ == target
    for other in {"module", "loss", "optimizer"} - {kind}:
        with pytest.raises(BrokenComponentError, match=rf"^{other} corenet-x:it is broken: TypeError: x_code:"):
            found.get(other, "it")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 +", "SyntaxError: invalid syntax (x_hooks.py, line 1)"),
    ],
)
def test_a_hook_module_that_cannot_be_imported_is_a_row_of_its_own(install, made, code, reason):
    install("corenet-x", {"corenet": "x = x_hooks"}, x_hooks=code)
    install("corenet-a", {"corenet.modules": "swish = a_code:Swish"}, a_code=CODE)
    found = made()
    row = row_of(found, "corenet-x:corenet-x")
    assert (row.kind, row.status, row.reason, row.version, row.target) == ("plugin", "broken", reason, "1.2", "")
    assert row in found.components("module")
    assert row in found.components("optimizer")
    assert [(plugin.distribution, plugin.status) for plugin in found.plugins()] == [
        ("corenet", "loaded"),
        *[(plugin.distribution, plugin.status) for plugin in found.plugins()[1:]],
    ]
    assert {plugin.distribution: plugin.reason for plugin in found.plugins()} == {
        "corenet": "",
        "corenet-a": "",
        "corenet-x": reason,
    }
    assert found.get("module", "swish").__name__ == "Swish"
    with pytest.raises(UnknownComponentError):
        found.find("module", "corenet-x")


def test_what_a_distribution_declares_survives_its_broken_hooks(install, made):
    install("corenet-x", {"corenet": "x = x_hooks", "corenet.modules": "swish = x_code:Swish"}, x_code=CODE)
    found = made()
    assert [row.status for row in found.components() if row.distribution == "corenet-x"] == ["declared", "broken"]
    assert found.get("module", "swish").__name__ == "Swish"


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


@pytest.mark.parametrize("status", ["disabled", "incompatible"])
def test_what_may_not_be_used_is_refused_with_its_reason(status):
    found = Registry([off("corenet-a", ["swish"], status)])
    for name in ("swish", "corenet-a:swish"):
        with pytest.raises(UnavailableComponentError) as caught:
            found.get("module", name)
        assert str(caught.value) == f"module corenet-a:swish is {status}: why"
        assert (caught.value.component, caught.value.status) == ("corenet-a:swish", status)


def test_what_may_not_be_used_gives_way_even_to_an_alias():
    usable = hooked("corenet-b", ComponentSpec("silu", "b:Silu", aliases=("swish",)))
    found = Registry([off("corenet-a", ["swish"]), usable])
    assert found.find("module", "swish").qualified_name == "corenet-b:silu"
    assert found.find("module", "corenet-a:swish").status == "disabled"


def test_of_several_that_may_not_be_used_none_is_meant():
    found = Registry([off("corenet-a", ["swish"]), off("corenet-b", ["swish"])])
    with pytest.raises(AmbiguousComponentError, match=r"use one of corenet-a:swish, corenet-b:swish$"):
        found.get("module", "swish")


def test_a_plugin_with_nothing_to_offer_is_a_row_of_its_own():
    found = Registry([hooked("corenet-a")])
    assert [(row.kind, row.name, row.status) for row in found.components()] == [("plugin", "corenet-a", "loaded")]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            {"corenet": "x = x_hooks"},
            "corenet-x is broken, and CORENET_STRICT=1: ModuleNotFoundError: No module named 'x_hooks'",
        ),
        (
            {"corenet.modules": "swish = nonsense"},
            "module corenet-x:swish is broken, and CORENET_STRICT=1: "
            "a target is 'package.module:Class', not 'nonsense'",
        ),
    ],
)
def test_strictly_every_use_of_the_registry_stops_at_a_broken_plugin(install, monkeypatch, groups, message):
    install("corenet-x", groups)
    monkeypatch.setenv("CORENET_PLUGINS", "corenet-x")
    monkeypatch.setenv("CORENET_STRICT", "1")
    registry_under.cache_clear()
    for use in (registry, cn.components, lambda: cn.get("module", "linear"), registry):
        with pytest.raises(BrokenPluginError) as caught:
            use()
        assert (str(caught.value), caught.value.distribution) == (message, "corenet-x")
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "corenet-x")
    assert cn.get("module", "linear") is cn.Linear


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
        ("layer", "linear", "a component is a 'module', a 'loss' or an 'optimizer', not a 'layer'"),
    ],
)
def test_an_unknown_name_says_what_is_near(kind, name, message):
    with pytest.raises(UnknownComponentError) as caught:
        cn.get(kind, name)
    assert str(caught.value) == message


def test_components_are_of_a_kind_or_all_with_the_built_ins_first(builtins, all_builtins):
    rows = cn.components()
    assert [row.name for row in rows if row.distribution == "corenet"] == all_builtins
    assert [row.name for row in rows[: len(all_builtins)]] == all_builtins
    assert {row.kind for row in cn.components("loss")} <= {"loss", "plugin"}
    assert [row.name for row in cn.components("loss") if row.distribution == "corenet"] == builtins["loss"]


def test_the_registry_is_made_once_and_rows_are_copies():
    assert registry() is registry()
    cn.components().clear()
    registry().plugins().clear()
    assert cn.components()
    assert registry().plugins()


@pytest.mark.parametrize("row", [row for row in cn.components() if row.distribution == "corenet"], ids=lambda r: r.name)
def test_every_built_in_loads_under_its_name_and_aliases_and_as_an_attribute(row):
    cls = cn.get(row.kind, row.name)
    assert row.target == f"{cls.__module__}:{cls.__qualname__}"
    assert all(cn.get(row.kind, alias) is cls for alias in row.aliases)
    assert getattr(cn, cls.__name__) is cls
