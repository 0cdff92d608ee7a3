"""What is wrong, and the fix for it."""

import pytest

from corenet.registry.doctor.findings import FIXES, Finding, component_findings, plugin_findings, torch_finding
from corenet.registry.reason import Reason
from corenet.registry.spec import Component, PluginRow


def component(name="swish", status="loaded", *causes):
    return Component(name, "module", "corenet-x", "1.2", status, causes=causes, target="x.code:Swish")


def plugin(status, *causes):
    return PluginRow("corenet-x", "1.2", "", status, causes)


@pytest.mark.parametrize(
    ("cause", "fix"),
    [
        (
            Reason("missing_module", "ModuleNotFoundError: No module named 'not_there.sub'", subject="not_there.sub"),
            "pip install not_there, and ask its author to require it",
        ),
        (
            Reason("missing_module", "ModuleNotFoundError: No module named 'x'", subject="x"),
            "its metadata is stale: pip install --force-reinstall --no-deps corenet-x",
        ),
        (
            Reason("missing_module", "ModuleNotFoundError: No module named 'x.code'", subject="x.code"),
            "its metadata is stale: pip install --force-reinstall --no-deps corenet-x",
        ),
        (
            Reason("missing_module", "ModuleNotFoundError: No module named 'x.co'", subject="x.co"),
            "pip install x, and ask its author to require it",
        ),
        (
            Reason("missing_attribute", "AttributeError: module 'x.code' has no attribute 'Swish'"),
            "its entry point is misspelt or stale: pip install --force-reinstall --no-deps corenet-x",
        ),
        (
            Reason("wrong_kind", "TypeError: x.code:Swish is not a Module", subject="Module"),
            "derive it from corenet.Module, or announce it as what it is",
        ),
        (
            Reason("process_ended", "importing x.code:Swish crashed Python: Segmentation fault"),
            "python -X faulthandler -c 'import x.code' shows where; CORENET_DISABLE_PLUGINS=corenet-x till then",
        ),
        (
            Reason("process_ended", "importing x.code:Swish ended Python with exit code 3"),
            "python -X faulthandler -c 'import x.code' shows where; CORENET_DISABLE_PLUGINS=corenet-x till then",
        ),
        (
            Reason("timed_out", "importing x.code:Swish took longer than 60 s"),
            "python -X importtime -c 'import x.code' shows where; a larger --timeout waits longer",
        ),
        (
            Reason("announced_twice", "corenet-x announces it twice, as x:A and as x:B"),
            "keep one of the two, in its pyproject.toml or its hooks",
        ),
        (
            Reason("invalid_target", "a target is 'package.module:Class', not 'x'"),
            "correct the target in its pyproject.toml or its hooks, and reinstall",
        ),
        (
            Reason("raised", "OSError: {weird}"),
            "python -c 'import x.code' shows where; tell its author, or pip uninstall corenet-x",
        ),
    ],
)
def test_each_way_to_be_broken_has_its_fix(cause, fix):
    assert list(component_findings(component("swish", "broken", cause))) == [
        Finding("broken", f"module swish: {cause.text}", fix)
    ]
    again = fix.replace("python -c 'import x.code'", "CORENET_DEBUG=1 python -m corenet list-components")
    again = again.replace("-c 'import x.code'", "-m corenet list-components")  # an import alone calls no hook
    assert list(plugin_findings(plugin("broken", cause), ["x.code"])) == [Finding("broken", cause.text, again)]


def test_a_plugin_without_a_module_to_import_has_damaged_metadata():
    cause = Reason("unreadable_metadata", "its METADATA in x cannot be read", "reinstall it")
    (found,) = plugin_findings(plugin("broken", cause), [])
    fix = "its metadata is damaged: pip install --force-reinstall --no-deps corenet-x"
    assert found == Finding("broken", "its METADATA in x cannot be read", fix)


@pytest.mark.parametrize("status", ["disabled", "incompatible"])
def test_a_plugin_that_may_not_be_used_tells_its_own_fix(status):
    row = plugin(status, Reason(status, "so it is", "do that"))
    assert list(plugin_findings(row, [])) == [Finding(status, "so it is", "do that")]


@pytest.mark.parametrize("status", ["shadowed", "ambiguous"])
def test_a_conflict_tells_its_own_fix(status):
    row = component("swish", status, Reason(status, "also in corenet-y", "use corenet-x:swish"))
    assert list(component_findings(row)) == [Finding(status, "module swish: also in corenet-y", "use corenet-x:swish")]


@pytest.mark.parametrize("status", ["declared", "loaded"])
def test_a_plugin_that_is_well_has_no_finding(status):
    assert list(plugin_findings(plugin(status), ["x"])) == []
    assert list(component_findings(component(status=status))) == []


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
    assert [(found.problem, found.fix) for found in component_findings(component(name))] == [("name", fix)] * bool(fix)


def test_torch_at_listing_names_the_hook_modules():
    assert torch_finding(["a", "b"]).fix == "import torch where the components are, not in a, b"


def test_every_cause_of_a_broken_plugin_has_a_finding_of_its_own():
    causes = [Reason("missing_module", "no y", subject="y"), Reason("timed_out", "took longer")]
    assert [each.what for each in plugin_findings(plugin("broken", *causes), ["x"])] == ["no y", "took longer"]


def test_without_torch_all_components_have_one_finding():
    cause = Reason("torch_unavailable", "torch cannot be imported: OSError: libc10.so", subject="torch")
    rows = [component(name, "broken", cause) for name in ("swish", "gelu")]
    (found,) = {each for row in rows for each in component_findings(row)}
    assert found == Finding(
        "broken", cause.text, "python -c 'import torch' fails too; pip install --force-reinstall torch"
    )


def test_every_fix_can_be_written():
    for code in FIXES:
        (found,) = component_findings(component("swish", "broken", Reason(code, "", subject="x.code")))
        assert found.fix
        assert "{" not in found.fix
