"""From a name to a class: who is meant, what it costs to load it, and what the row says after."""

import sys

import pytest

import corenet as cn
from corenet.errors import (
    BrokenComponentError,
    BrokenPluginError,
    UnknownComponentError,
)
from corenet.registry.discovery import Plugin
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


def test_a_plugin_with_nothing_to_offer_is_a_row_of_its_own():
    found = Registry([Plugin("corenet-a", "1", "", object)])
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
