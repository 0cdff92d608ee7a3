"""Every bad neighbour at once: none costs a built-in, a good plugin or the command anything."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import corenet as cn
from corenet.errors import AmbiguousComponentError, BrokenComponentError, UnavailableComponentError
from corenet.registry.registry import registry, registry_under

FIXTURES = Path(__file__).parents[1] / "fixtures" / "plugins"
CORENET = str(Path(sysconfig.get_path("scripts"), "corenet"))

NEEDS_99 = r"it needs corenet>=99 and this is corenet .*; pip install 'corenet>=99', or another version of the plugin"
PLUGINS = {
    "corenet-good": ("declared", ""),
    "corenet-import-raises": ("broken", "RuntimeError: no luck today"),
    "corenet-import-exits": ("broken", "SystemExit: 7"),
    "corenet-missing-module": ("broken", "ModuleNotFoundError: No module named 'missing_module_plugin'"),
    "corenet-missing-target": ("declared", ""),
    "corenet-missing-package": ("broken", "ModuleNotFoundError: No module named 'no_such_package'"),
    "corenet-wrong-signature": ("broken", "PluginValidationError: .*'registry'.*"),
    "corenet-unknown-hook": ("broken", "PluginValidationError: unknown hook 'corenet_layers' .*"),
    "corenet-raising-hook": ("broken", r"corenet_modules\(\): ZeroDivisionError: half way"),
    "corenet-rubbish": (
        "broken",
        r"corenet_modules\(\): TypeError: it must yield ComponentSpec, not {'name': 'rubbish'}",
    ),
    "corenet-no-module": ("declared", ""),
    "corenet-wrong-kind": ("declared", ""),
    "corenet-twin-a": ("declared", ""),
    "corenet-twin-b": ("declared", ""),
    "corenet-linear": ("declared", ""),
    "corenet-future": ("incompatible", NEEDS_99),
    "corenet-future-hooks": ("incompatible", NEEDS_99),
    "corenet-future-command": ("incompatible", NEEDS_99),
    "corenet-malformed-requirement": ("declared", ""),
    "corenet-half-removed": ("broken", "its METADATA in .*"),
    "corenet-controls": ("declared", ""),
    "corenet-huge": ("declared", ""),
    "corenet-prints": ("loaded", ""),
    "corenet-slow": ("loaded", ""),
    "corenet-editable": ("declared", ""),
    "corenet-commands": ("declared", ""),
}
COMPONENTS = {
    "corenet-good:good": ("declared", ""),
    "corenet-missing-target:absent": ("declared", ""),
    "corenet-missing-target:gone": ("declared", ""),
    "corenet-no-module:no_module": ("declared", ""),
    "corenet-wrong-kind:hinge": ("declared", ""),
    "corenet-twin-a:twin": ("ambiguous", "also in corenet-twin-b; use corenet-twin-a:twin"),
    "corenet-twin-b:twin": ("ambiguous", "also in corenet-twin-a; use corenet-twin-b:twin"),
    "corenet-linear:linear": ("shadowed", "the built-in keeps the name; use corenet-linear:linear"),
    "corenet-future:future": ("incompatible", NEEDS_99),
    "corenet-future:twin": ("incompatible", NEEDS_99),
    "corenet-malformed-requirement:malformed_requirement": ("declared", ""),
    "corenet-controls:controls": ("declared", ""),
    "corenet-controls:evil": ("broken", "a name is made of letters, digits and underscores, not .*"),
    "corenet-huge:huge": ("declared", ""),
    "corenet-prints:prints": ("declared", ""),
    "corenet-slow:slow": ("declared", ""),
    "corenet-editable:editable": ("declared", ""),
}
BREAKS_WHEN_USED = {
    "corenet-missing-target:absent": "AttributeError: module 'missing_target_plugin' has no attribute 'Absent'",
    "corenet-missing-target:gone": "ModuleNotFoundError: No module named 'no_such_module'",
    "corenet-no-module:no_module": "TypeError: no_module_plugin:NoModule is not a Module",
    "corenet-wrong-kind:hinge": "TypeError: wrong_kind_plugin:Hinge is not a Module",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The fake distributions, where they may be written to: the summary of 5 MB is made here."""
    root = tmp_path_factory.mktemp("plugins")
    shutil.copytree(FIXTURES, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (info,) = (root / "huge").glob("*.dist-info")
    metadata = f"Metadata-Version: 2.1\nName: corenet-huge\nVersion: 1.0\nSummary: {'x' * 5_000_000}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    yield [str(folder) for folder in sorted(root.iterdir())]
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(root)):
            del sys.modules[name]


@pytest.fixture
def hostile(folders, monkeypatch):
    """All of them on the path of this process."""
    monkeypatch.setattr(sys, "path", [*folders, *sys.path])
    importlib.invalidate_caches()
    registry_under.cache_clear()
    yield registry()
    registry_under.cache_clear()


@pytest.fixture
def corenet(folders, tmp_path):
    """Run the command line as a process that has all of them on its path."""

    def run(*arguments, **environment):
        env = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "PYTHONUTF8": "1"} | environment
        return subprocess.run([CORENET, *arguments], env=env, cwd=tmp_path, capture_output=True, encoding="utf-8")

    return run


def assert_stand(found, expected):
    assert found.keys() == expected.keys()
    for name, (status, reason) in expected.items():
        assert found[name][0] == status, name
        assert re.fullmatch(reason, found[name][1]), found[name]


def test_each_plugin_has_a_row_with_its_status_and_reason(hostile):
    strangers = [row for row in hostile.plugins() if row.distribution not in ("corenet", "corenet-example")]
    assert_stand({row.distribution: (row.status, row.reason) for row in strangers}, PLUGINS)


def test_each_component_has_a_row_with_its_status_and_reason(hostile):
    rows = [row for row in hostile.components() if row.kind != "plugin"]
    strangers = [row for row in rows if row.distribution not in ("corenet", "corenet-example")]
    assert_stand({row.qualified_name: (row.status, row.reason) for row in strangers}, COMPONENTS)


def test_a_plugin_that_yields_no_component_is_a_row_of_its_own(hostile):
    offering = {name.partition(":")[0] for name in COMPONENTS}
    rows = {row.name: row.status for row in hostile.components() if row.kind == "plugin"}
    assert rows == {name: status for name, (status, _) in PLUGINS.items() if name not in offering}


def test_built_ins_and_good_neighbours_work(hostile, all_builtins):
    rows = [row for row in cn.components() if row.distribution == "corenet"]
    assert [row.name for row in rows] == all_builtins
    assert all(cn.get(row.kind, row.name).__module__.startswith("corenet.builtin.") for row in rows)
    assert cn.get("module", "linear") is cn.Linear
    for name in ("good", "prints", "slow", "huge", "controls", "editable", "malformed_requirement"):
        assert cn.get("module", name).__name__ == "Good"
    assert cn.get("module", "corenet-linear:linear").__module__ == "linear_plugin"
    assert cn.get("module", "corenet-twin-b:twin").__module__ == "twin_b_plugin"


@pytest.mark.parametrize("name", BREAKS_WHEN_USED)
def test_a_target_that_breaks_says_so_when_used_and_in_its_row(hostile, name):
    with pytest.raises(BrokenComponentError) as caught:
        cn.get("module", name)
    assert str(caught.value) == f"module {name} is broken: {BREAKS_WHEN_USED[name]}"
    assert hostile.find("module", name).status == "broken"


def test_an_incompatible_component_is_refused_with_the_fix_and_not_imported(hostile):
    with pytest.raises(UnavailableComponentError, match=f"^module corenet-future:future is incompatible: {NEEDS_99}$"):
        cn.get("module", "future")
    assert "future_plugin" not in sys.modules


def test_an_incompatible_component_is_no_candidate_for_its_name(hostile):
    with pytest.raises(AmbiguousComponentError) as caught:
        cn.get("module", "twin")
    assert caught.value.candidates == ("corenet-twin-a:twin", "corenet-twin-b:twin")


def test_the_command_lists_them_all(corenet, all_builtins):
    done = corenet("list-components", "--json")
    found = json.loads(done.stdout)  # what a plugin prints is not in it
    assert (done.returncode, done.stderr) == (0, "imported!\nasked!\n")
    strangers = [row for row in found["components"] if row["distribution"] not in ("corenet", "corenet-example")]
    assert [row["name"] for row in found["components"] if row["distribution"] == "corenet"] == all_builtins
    stands = {f"{row['distribution']}:{row['name']}": (row["status"], row["reason"]) for row in strangers}
    assert_stand(stands, COMPONENTS)
    plugins = {row["distribution"]: (row["status"], row["reason"]) for row in found["plugins"]}
    assert_stand({name: row for name, row in plugins.items() if name in PLUGINS}, PLUGINS)
    summaries = {row["name"]: row["summary"] for row in strangers}
    assert summaries["controls"] == "[31mred alert"
    assert summaries["huge"] == "x" * 199 + "…"
    assert {row["version"] for row in strangers if row["name"] == "editable"} == {"2.0"}


def test_the_table_has_a_line_for_each_and_nothing_else(corenet):
    done = corenet("list-components")
    assert (done.returncode, done.stderr) == (0, "imported!\nasked!\n")
    listed = {tuple(line.split()[:3]) for line in done.stdout.splitlines()}
    components = [tuple(name.split(":")) for name in COMPONENTS]
    assert {(name, "module", distribution) for distribution, name in components} <= listed
    assert {(name, "plugin", name) for name in PLUGINS.keys() - dict(components).keys()} <= listed
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)


@pytest.mark.parametrize("arguments", [["--no-plugins", "list-components"], ["list-components", "--no-plugins"]])
def test_without_plugins_all_are_disabled_and_none_is_imported(corenet, arguments):
    done = corenet(*arguments, "--json", CORENET_PLUGINS="corenet-good")
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert {row["status"] for row in found["plugins"]} == {"loaded", "disabled"}
    assert [row["distribution"] for row in found["plugins"] if row["status"] == "loaded"] == ["corenet"]
    assert {row["status"] for row in found["components"] if row["distribution"] != "corenet"} == {"disabled"}


def test_statically_no_hook_module_is_imported(corenet):
    found = json.loads(corenet("list-components", "--static", "--json").stdout)
    assert {row["status"] for row in found["plugins"]} == {"declared", "incompatible", "broken", "loaded"}
    stands = {row["distribution"]: (row["status"], row["reason"]) for row in found["plugins"]}
    for name in ("prints", "slow", "import-raises", "import-exits"):
        assert stands[f"corenet-{name}"] == ("declared", "its hook module was not imported")


def test_strictly_the_first_broken_plugin_is_an_error(corenet):
    done = corenet("list-components", CORENET_STRICT="1", CORENET_PLUGINS="corenet-good,Corenet_Import.Exits")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "corenet: corenet-import-exits is broken, and CORENET_STRICT=1: SystemExit: 7\n"
