"""The doctor among plugins of every kind: each fault is found, and costs no other plugin anything."""

import sys

import pytest

from corenet.errors import UnknownComponentError
from corenet.registry.doctor.examine import examine
from corenet.registry.doctor.probe import Probe

HEALTHY = """
import corenet as cn

class X(cn.Module):
    def forward(self, input):
        return input
"""
HEAVY = """
import torch
from corenet.registry import ComponentSpec, hookimpl

@hookimpl
def corenet_modules():
    yield ComponentSpec("softplus", "healthy:X")
    yield ComponentSpec("Named", "healthy:X")
"""


def problems(health):
    return [finding.problem for finding in health.findings]


@pytest.fixture
def examined(monkeypatch):
    """Examine what a test has installed, by the name of its distribution."""
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "corenet-off")

    def run(*arguments):
        return {each.distribution: each for each in examine(*arguments) if each.distribution != "corenet-example"}

    return run


@pytest.fixture
def unprobed(monkeypatch):
    """Start no process for a plugin: what a test looks at is known from the metadata alone."""
    monkeypatch.setattr("corenet.registry.doctor.examine.probe", lambda plugin, *_: Probe(plugin))


def test_every_fault_is_found_and_costs_nobody_else_anything(install, examined):
    install("corenet-crash", {"corenet.modules": "crash = crash:X"}, crash="import ctypes; ctypes.string_at(0)")
    install("corenet-exit", {"corenet": "leave = leave"}, leave="import os; os._exit(3)")
    install("corenet-heavy", {"corenet": "heavy = heavy"}, heavy=HEAVY)
    install("corenet-lost", {"corenet.module": "lost = healthy:X"})
    install("corenet-needs", {"corenet": "needs = needs"}, needs="import not_there")
    install("corenet-well", {"corenet.modules": "fine = healthy:X"}, healthy=HEALTHY)
    found = examined()
    assert {name: (each.status, problems(each), each.ok) for name, each in found.items()} == {
        "corenet": ("loaded", ["setting"], True),  # there is no corenet-off here
        "corenet-crash": ("broken", ["broken"], False),
        "corenet-exit": ("broken", ["broken"], False),
        "corenet-heavy": ("loaded", ["name", "torch"], True),
        "corenet-lost": ("declared", ["group"], True),
        "corenet-needs": ("broken", ["broken"], False),
        "corenet-well": ("loaded", [], True),
    }
    assert list(found) == sorted(found)
    assert all(finding.fix for each in found.values() for finding in each.findings)
    assert found["corenet-heavy"].listing_seconds > found["corenet-well"].listing_seconds
    assert found["corenet"].import_seconds > 0
    assert (found["corenet-exit"].listing_seconds, found["corenet-crash"].import_seconds) == (None, None)
    assert not {"heavy", "healthy"} & set(sys.modules)


def test_conflicts_are_found_though_every_plugin_is_alone_in_its_process(install, examined, tmp_path):
    trace = tmp_path / "imported"
    install("corenet-a", {"corenet.modules": "same = healthy:X\nlinear = healthy:X"}, healthy=HEALTHY)
    install(
        "corenet-b",
        {"corenet.modules": "same = other:X", "corenet.losses": "linear = other:X"},
        other=f"open({str(trace)!r}, 'w')",
    )
    found = examined("corenet-a")
    assert list(found) == ["corenet-a"]
    assert [(each.problem, each.fix) for each in found["corenet-a"].findings] == [
        ("ambiguous", "use corenet-a:same"),
        ("shadowed", "use corenet-a:linear"),
    ]
    assert (found["corenet-a"].ok, found["corenet-a"].components) == (True, 2)
    assert not trace.exists()  # nobody asked about corenet-b


@pytest.mark.parametrize(("name", "status"), [("corenet-new", "incompatible"), ("corenet-off", "disabled")])
def test_what_may_not_be_used_is_named_and_not_imported(install, examined, name, status):
    metadata = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nRequires-Dist: corenet>=99\n"
    install("corenet-new", {"corenet.modules": "new = crash:X"}, metadata, crash="import os; os._exit(3)")
    install("corenet-off", {"corenet": "off = crash"})
    (found,) = examined(name).values()
    assert (found.status, problems(found), found.ok, found.import_seconds) == (status, [status], True, None)


def test_an_unknown_distribution_is_an_error(install):
    install("corenet-swish", {"corenet.modules": "x = x:X"})
    with pytest.raises(UnknownComponentError, match=r"'corenet-swich' \(did you mean 'corenet-swish'\?\)"):
        examine("corenet-swich")


def test_as_plain_values(examined, all_builtins):
    found = examined("CoreNet")["corenet"].to_dict()  # in any spelling
    assert list(found) == [
        *("distribution", "version", "status", "components"),
        *("listing_seconds", "import_seconds", "torch_at_listing", "findings"),
    ]
    assert (found["components"], found["torch_at_listing"], len(found["findings"])) == (len(all_builtins), False, 1)


@pytest.mark.usefixtures("unprobed")
def test_a_setting_that_names_nobody_is_told(install, monkeypatch):
    install("corenet-swish", {"corenet.commands": "x = x:X"})
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "corenet-swich,Corenet_Swish")
    monkeypatch.setenv("CORENET_PLUGINS", "*")
    (found,) = examine("corenet")
    assert [(each.problem, each.what) for each in found.findings] == [
        (
            "setting",
            "CORENET_DISABLE_PLUGINS names 'corenet-swich', which is no plugin (did you mean 'corenet-swish'?)",
        ),
        ("setting", "CORENET_PLUGINS names '*', which is no plugin"),
    ]


@pytest.mark.usefixtures("unprobed")
def test_a_command_that_two_offer_is_a_conflict(install, examined):
    for name in ("corenet-a", "corenet-b", "corenet-off"):
        install(name, {"corenet.commands": f"train = train:run\n{name[-1]}_own = train:run"})
    found = examined("corenet-a")["corenet-a"].findings
    assert [(each.problem, each.what, each.fix) for each in found if each.problem == "ambiguous"] == [
        ("ambiguous", "command train: also in corenet-b", "CORENET_DISABLE_PLUGINS=corenet-b leaves this one"),
    ]


def test_a_torch_that_cannot_load_is_named_as_the_cause_once(install, examined):
    groups = {"corenet.modules": "one = healthy:X\ntwo = healthy:X"}
    install("corenet-x", groups, healthy=HEALTHY, torch="raise OSError('libtorch_cpu.so: cannot open')")
    found = examined()
    for name in ("corenet", "corenet-x"):
        causes = [finding for finding in found[name].findings if finding.problem == "broken"]
        assert [finding.what for finding in causes] == [
            "torch cannot be imported: OSError: libtorch_cpu.so: cannot open"
        ]
        assert causes[0].fix == "python -c 'import torch' fails too; pip install --force-reinstall torch"
