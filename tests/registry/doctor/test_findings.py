"""What is wrong, and the fix for it."""

import pytest

from corenet.registry.doctor.findings import Finding, of_component, of_plugin, of_torch
from corenet.registry.spec import Component, PluginRow


def component(name="swish", status="loaded", reason=""):
    return Component(name, "module", "corenet-x", "1.2", status, reason=reason, target="x.code:Swish")


def plugin(status, reason=""):
    return PluginRow("corenet-x", "1.2", "", status, reason)


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        (
            "ModuleNotFoundError: No module named 'not_there.sub'",
            "pip install not_there, and ask its author to require it",
        ),
        (
            "ModuleNotFoundError: No module named 'x'",
            "its metadata is stale: pip install --force-reinstall --no-deps corenet-x",
        ),
        (
            "ModuleNotFoundError: No module named 'x.code'",
            "its metadata is stale: pip install --force-reinstall --no-deps corenet-x",
        ),
        (
            "ModuleNotFoundError: No module named 'x.co'",
            "pip install x, and ask its author to require it",
        ),
        (
            "AttributeError: module 'x.code' has no attribute 'Swish'",
            "its entry point is misspelt or stale: pip install --force-reinstall --no-deps corenet-x",
        ),
        ("TypeError: x.code:Swish is not a Module", "derive it from corenet.Module, or announce it as what it is"),
        (
            "importing x.code:Swish crashed Python: Segmentation fault",
            "python -X faulthandler -c 'import x.code' shows where; CORENET_DISABLE_PLUGINS=corenet-x till then",
        ),
        (
            "importing x.code:Swish ended Python with exit code 3",
            "python -X faulthandler -c 'import x.code' shows where; CORENET_DISABLE_PLUGINS=corenet-x till then",
        ),
        (
            "importing x.code:Swish took longer than 60 s",
            "python -X importtime -c 'import x.code' shows where; a larger --timeout waits longer",
        ),
        (
            "corenet-x announces it twice, as x:A and as x:B",
            "keep one of the two, in its pyproject.toml or its hooks",
        ),
        (
            "a target is 'package.module:Class', not 'x'",
            "correct the target in its pyproject.toml or its hooks, and reinstall",
        ),
        ("OSError: {weird}", "python -c 'import x.code' shows where; tell its author, or pip uninstall corenet-x"),
    ],
)
def test_each_way_to_be_broken_has_its_fix(reason, fix):
    assert list(of_component(component(status="broken", reason=reason))) == [
        Finding("broken", f"module swish: {reason}", fix)
    ]
    again = fix.replace("python -c 'import x.code'", "CORENET_DEBUG=1 python -m corenet list-components")
    again = again.replace("-c 'import x.code'", "-m corenet list-components")  # an import alone calls no hook
    assert list(of_plugin(plugin("broken", reason), ["x.code"])) == [Finding("broken", reason, again)]


def test_a_plugin_without_a_module_to_import_has_damaged_metadata():
    (found,) = of_plugin(plugin("broken", "its METADATA in x cannot be read; reinstall it"), [])
    fix = "its metadata is damaged: pip install --force-reinstall --no-deps corenet-x"
    assert found == Finding("broken", "its METADATA in x cannot be read", fix)


@pytest.mark.parametrize("status", ["disabled", "incompatible"])
def test_a_plugin_that_may_not_be_used_tells_its_own_fix(status):
    assert list(of_plugin(plugin(status, "so it is; do that"), [])) == [Finding(status, "so it is", "do that")]


@pytest.mark.parametrize("status", ["shadowed", "ambiguous"])
def test_a_clash_tells_its_own_fix(status):
    row = component(status=status, reason="also in corenet-y; use corenet-x:swish")
    assert list(of_component(row)) == [Finding(status, "module swish: also in corenet-y", "use corenet-x:swish")]


@pytest.mark.parametrize("status", ["declared", "loaded"])
def test_a_plugin_that_is_well_has_no_finding(status):
    assert list(of_plugin(plugin(status), ["x"])) == []
    assert list(of_component(component(status=status))) == []


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("Swish", "rename it to 'swish'"),
        ("HardSwish", "rename it to 'hard_swish'"),
        ("hard-swish", "rename it to 'hard_swish'"),
        ("hard.swish2", "rename it to 'hard_swish2'"),
        ("größe", "rename it to 'gr_e'"),
        ("2nd", "rename it"),
        ("swish_2", ""),
    ],
)
def test_a_name_is_lower_case_with_underscores(name, fix):
    assert [(found.problem, found.fix) for found in of_component(component(name))] == [("name", fix)] * bool(fix)


def test_torch_at_listing_names_the_hook_modules():
    assert of_torch(["a", "b"]).fix == "import torch where the components are, not in a, b"
