"""A plugin in a process of its own: whatever it does there, its probe says so."""

import sys
import time

import pytest

from corenet.registry.doctor.probe import probe
from corenet.registry.reason import Reason
from corenet.registry.spec import PluginRow

HEALTHY = """
print("not for stdout")
import corenet as cn

class X(cn.Module):
    def forward(self, input):
        return input
"""
HOOKS = """
{above}
from corenet.registry import ComponentSpec, hookimpl

@hookimpl
def corenet_modules():
    yield ComponentSpec("one", "healthy:X", aliases=("uno",), tags=("a", "b"))
    yield ComponentSpec("two", "{target}:X")
"""
GROUP = "import click\n@click.command()\ndef x(): pass\ny = 1"
LEFT_BEHIND = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()"
SEGFAULT = "import ctypes; ctypes.string_at(0)"


def probed(targets=True, limit=60):
    return probe(PluginRow("corenet-x", "1.2", "", "declared"), targets, limit)


@pytest.fixture
def declare(install):
    """Install a plugin of one healthy component, and one more that is this code."""

    def write(code):
        install("corenet-x", {"corenet.modules": "one = healthy:X\ntwo = code:X"}, healthy=HEALTHY, code=code)

    return write


def test_a_healthy_plugin_is_imported_and_timed(declare, capfd):
    declare("from healthy import X; import time; time.sleep(0.2)")
    found = probed()
    assert (found.plugin.status, found.plugin.author) == ("declared", "A. Stranger")
    assert [(row.name, row.status) for row in found.components] == [("one", "loaded"), ("two", "loaded")]
    assert 0.2 <= found.import_seconds < 1.5  # the import of torch, which takes longer, is put down to nobody
    assert found.listing_seconds < 0.2
    assert not found.torch_at_listing
    assert capfd.readouterr() == ("", "")
    assert "healthy" not in sys.modules


def test_what_comes_after_an_import_that_ends_the_process_is_imported_all_the_same(install):
    lines = "first = code:X\nlast = healthy:X\nleave = leave:X\nempty ="
    code = {"code": SEGFAULT, "leave": "import os; os._exit(0)", "command": "import os; os._exit(3)"}
    commands = "x = code:X\ny = healthy:X\nz = command:x"
    install("corenet-x", {"corenet.modules": lines, "corenet.commands": commands}, healthy=HEALTHY, **code)
    found = probed()
    assert found.plugin.status == "declared"
    assert {row.name: (row.status, row.reason) for row in found.components} == {
        "first": ("broken", "importing code:X crashed Python: Segmentation fault"),
        "last": ("loaded", ""),
        "leave": ("broken", "importing leave:X ended Python with exit code 0"),
        "empty": ("broken", "a target is 'package.module:Class', not ''"),
    }
    assert [cause.code for row in found.components for cause in row.causes] == [
        *("process_ended", "process_ended", "invalid_target"),
    ]
    assert {target: str(cause) for target, cause in found.commands.items()} == {
        "code:X": "importing code:X crashed Python: Segmentation fault",
        "healthy:X": "TypeError: healthy:X is no click command",
        "command:x": "importing command:x ended Python with exit code 3",
    }
    assert found.import_seconds is None


def test_an_endless_import_is_given_up(install):
    # Without torch, whose import takes longer than the limit may be.
    code = {"code": "import time; time.sleep(600)", "torch": "raise ImportError"}
    install("corenet-x", {"corenet.modules": "two = code:X"}, **code)
    (cause,) = probed(limit=2).components[0].causes
    assert cause == Reason("timed_out", "importing code:X took longer than 2 s")


def test_imports_that_raise_are_the_reasons_of_their_rows(install):
    lines = "quit = bye:X\nneeds = needs:X\nlost = healthy:Y\nkind = healthy:cn\nwell = healthy:X"
    code = {"bye": "import sys; sys.exit('bye')", "needs": "import not_there", "group": GROUP}
    commands = "a = group:x\nb = group:y\nc = needs:z"
    install(
        "corenet-x", {"corenet.modules": lines, "corenet.commands": commands}, healthy=HEALTHY + LEFT_BEHIND, **code
    )
    start = time.monotonic()
    found = probed()
    assert time.monotonic() - start < 30  # what a plugin leaves running keeps nobody waiting
    assert {row.name: row.reason for row in found.components} == {
        "quit": "SystemExit: bye",
        "needs": "ModuleNotFoundError: No module named 'not_there'",
        "lost": "AttributeError: module 'healthy' has no attribute 'Y'",
        "kind": "TypeError: healthy:cn is not a Module",
        "well": "",
    }
    assert {row.name: [(each.code, each.subject) for each in row.causes] for row in found.components} == {
        "quit": [("raised", "")],
        "needs": [("missing_module", "not_there")],
        "lost": [("missing_attribute", "")],
        "kind": [("wrong_kind", "Module")],
        "well": [],
    }
    assert found.components[4].status == "loaded"
    assert found.plugin.status == "declared"
    assert {target: str(cause or "") for target, cause in found.commands.items()} == {
        "group:x": "",
        "group:y": "TypeError: group:y is no click command",
        "needs:z": "ModuleNotFoundError: No module named 'not_there'",
    }
    assert found.commands["group:y"].code == "not_a_command"


def test_a_hook_module_is_listed_and_told_apart_from_its_components(install):
    code = HOOKS.format(above="import torch", target="gone")
    install("corenet-x", {"corenet": "x = x_hooks"}, healthy=HEALTHY, x_hooks=code)
    found = probed()
    assert found.torch_at_listing
    assert found.plugin.status == "loaded"
    assert [(row.name, row.aliases, row.status) for row in found.components] == [
        ("one", ("uno",), "loaded"),
        ("two", (), "broken"),
    ]


@pytest.mark.parametrize(
    ("above", "reason"),
    [
        (SEGFAULT, "listing it crashed Python: Segmentation fault"),
        ("import os; os._exit(0)", "listing it ended Python with exit code 0"),
        ("raise KeyboardInterrupt", "listing it crashed Python: Interrupt"),
        ("while True: pass", "listing it took longer than 2 s"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_hook_module_that_fails_breaks_the_plugin(install, above, reason):
    install("corenet-x", {"corenet": "x = x_hooks"}, x_hooks=HOOKS.format(above=above, target="x"))
    found = probed(limit=2 if above == "while True: pass" else 60)
    assert (found.plugin.status, found.plugin.reason, found.components) == ("broken", reason, ())


def test_listing_alone_imports_no_target(declare):
    declare(SEGFAULT)
    found = probed(targets=False)
    assert [row.status for row in found.components] == ["declared", "declared"]
    assert found.import_seconds is None


def test_a_disabled_plugin_is_not_imported(declare, monkeypatch):
    declare(SEGFAULT)
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "Corenet_X")
    found = probed()
    assert (found.plugin.status, found.import_seconds) == ("disabled", None)
    assert [row.status for row in found.components] == ["disabled", "disabled"]


def test_checkers_are_imported_and_must_have_their_functions(install):
    whole = "def lists(subject): ...\ntakes = read_inputs = check = lists\n"
    code = {"whole": whole, "partial": "def lists(subject): ...", "ends": "import os; os._exit(3)"}
    install("corenet-x", {"corenet.checkers": "a = whole\nb = partial\nc = gone\nd = ends"}, **code)
    assert {target: str(cause or "") for target, cause in probed().checkers.items()} == {
        "whole": "",
        "partial": "TypeError: partial has no function takes",
        "gone": "ModuleNotFoundError: No module named 'gone'",
        "ends": "importing ends ended Python with exit code 3",
    }
    assert probed().checkers["partial"].code == "not_a_checker"
