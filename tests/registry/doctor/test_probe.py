"""A plugin in a process of its own: whatever it does there, its probe says so."""

import sys
import time

import pytest

from corenet.registry.doctor.probe import probe
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


@pytest.mark.parametrize(
    ("code", "ending"),
    [(SEGFAULT, "crashed Python: Segmentation fault"), ("import os; os._exit(3)", "ended Python with exit code 3")],
)
def test_an_import_that_ends_the_process_breaks_its_component_only(declare, code, ending):
    declare(code)
    found = probed()
    one, two = found.components
    assert (found.plugin.status, one.status) == ("declared", "loaded")
    assert (two.status, two.reason) == ("broken", f"importing code:X {ending}")
    assert found.import_seconds is None


def test_what_comes_after_a_crash_is_imported_all_the_same(install):
    lines = "first = code:X\nlast = healthy:X\nleave = leave:X\nempty ="
    code = {"code": SEGFAULT, "leave": "import os; os._exit(0)"}
    install(
        "corenet-x",
        {"corenet.modules": lines, "corenet.commands": "x = code:X\ny = healthy:X"},
        healthy=HEALTHY,
        **code,
    )
    found = probed()
    assert {row.name: (row.status, row.reason) for row in found.components} == {
        "first": ("broken", "importing code:X crashed Python: Segmentation fault"),
        "last": ("loaded", ""),
        "leave": ("broken", "importing leave:X ended Python with exit code 0"),
        "empty": ("broken", "a target is 'package.module:Class', not ''"),
    }
    assert {target: str(cause) for target, cause in found.commands.items()} == {
        "code:X": "importing code:X crashed Python: Segmentation fault",
        "healthy:X": "TypeError: healthy:X is no click command",
    }


def test_an_endless_import_is_given_up(declare):
    declare("import time; time.sleep(600)")
    assert probed(limit=8).components[1].reason == "importing code:X took longer than 8 s"


def test_imports_that_raise_are_the_reasons_of_their_rows(install):
    lines = "quit = bye:X\nneeds = needs:X\nlost = healthy:Y\nkind = healthy:cn\nwell = healthy:X"
    code = {"bye": "import sys; sys.exit('bye')", "needs": "import not_there"}
    install("corenet-x", {"corenet.modules": lines}, healthy=HEALTHY, **code)
    assert {row.name: row.reason for row in probed().components} == {
        "quit": "SystemExit: bye",
        "needs": "ModuleNotFoundError: No module named 'not_there'",
        "lost": "AttributeError: module 'healthy' has no attribute 'Y'",
        "kind": "TypeError: healthy:cn is not a Module",
        "well": "",
    }


def test_what_a_plugin_leaves_running_keeps_nobody_waiting(declare):
    declare("from healthy import X; import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()")
    start = time.monotonic()
    assert probed().components[1].status == "loaded"
    assert time.monotonic() - start < 30


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
        ("while True: pass", "listing it took longer than 3 s"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_hook_module_that_fails_breaks_the_plugin(install, above, reason):
    install("corenet-x", {"corenet": "x = x_hooks"}, x_hooks=HOOKS.format(above=above, target="x"))
    found = probed(limit=3)
    assert (found.plugin.status, found.plugin.reason, found.components) == ("broken", reason, ())


def test_listing_alone_imports_no_target(declare):
    declare(SEGFAULT)
    found = probed(targets=False)
    assert [row.status for row in found.components] == ["declared", "declared"]
    assert found.import_seconds is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import click\n@click.command()\ndef x(): pass", ""),
        ("x = 1", "TypeError: code:x is no click command"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("import os; os._exit(3)", "importing code:x ended Python with exit code 3"),
    ],
)
def test_commands_are_imported_too(install, code, reason):
    install("corenet-x", {"corenet.commands": "x = code:x"}, code=code)
    found = probed()
    assert (found.plugin.status, list(found.commands)) == ("declared", ["code:x"])
    assert str(found.commands["code:x"] or "") == reason


def test_a_disabled_plugin_is_not_imported(declare, monkeypatch):
    declare(SEGFAULT)
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "Corenet_X")
    found = probed()
    assert (found.plugin.status, found.import_seconds) == ("disabled", None)
    assert [row.status for row in found.components] == ["disabled", "disabled"]
