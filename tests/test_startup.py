"""Looking is free: the start-up gate. It also runs where torch is not installed, so it imports nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

HEAVY = {"torch", "numpy", "pydantic", "rich", "packaging", "safetensors", "matplotlib", "polars", "pandas", "sklearn"}
SCRIPT = [str(Path(sysconfig.get_path("scripts"), "corenet"))]
MODULE = [sys.executable, "-m", "corenet"]
BARE = [sys.executable, "-c", "pass"]
LOOKS = {
    "import corenet": [sys.executable, "-c", "import corenet; print(corenet.__version__)"],
    "corenet --help": [*SCRIPT, "--help"],
    "corenet --version": [*SCRIPT, "--version"],
    "corenet list-components": [*SCRIPT, "list-components"],
    "corenet list-components --json": [*SCRIPT, "list-components", "--json"],
    "corenet list-components --static": [*SCRIPT, "list-components", "--static"],
    "corenet plugins": [*SCRIPT, "plugins"],
    "corenet list-components --help": [*SCRIPT, "list-components", "--help"],
    "python -m corenet --version": [*MODULE, "--version"],
    "python -m corenet list-components": [*MODULE, "list-components"],
}
EVERY_LOOK = pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)

# Run by every Python that finds it, so the commands are spied on as they are.
SPY = """
import atexit, os, sys
atexit.register(lambda: open(os.environ["SPY_OUT"], "w").write("\\n".join(sys.modules)))
"""

MOST = 230  # modules that a look may import beyond those of an interpreter that does nothing


FIXTURES = Path(__file__).parent / "fixtures" / "plugins"
NEEDED_FOR_HELP = {
    "corenet.cli",
    "corenet.cli.no_plugins",
    "corenet.cli.third_party",
    "corenet.errors",
    "corenet.interrupted",
    "corenet.warning_kinds",
    "corenet.registry",
    "corenet.registry.compatibility",
    "corenet.registry.distributions",
    "corenet.registry.reason",
    "corenet.registry.settings",
    "corenet.registry.sanitize",
}


@dataclass(frozen=True)
class Look:
    code: int
    stdout: str
    stderr: str
    modules: frozenset[str]


@pytest.fixture
def spy(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SPY, encoding="utf-8")
    seen = tmp_path / "modules"

    def run(command: list[str]) -> Look:
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        env = os.environ | {"PYTHONPATH": path, "SPY_OUT": str(seen), "PYTHONUTF8": "1"}
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
        return Look(done.returncode, done.stdout, done.stderr, frozenset(seen.read_text(encoding="utf-8").split()))

    return run


def test_the_spy_sees_what_is_imported(spy):
    look = spy([sys.executable, "-c", "from importlib import import_module; import_module('wave')"])
    assert "wave" in look.modules
    assert "wave" not in spy(BARE).modules


@EVERY_LOOK
def test_a_look_works_and_imports_nothing_heavy(spy, look):
    done = spy(look)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout
    assert {module.partition(".")[0] for module in done.modules} & HEAVY == set()


def test_help_imports_no_command(spy):
    modules = spy(LOOKS["corenet --help"]).modules
    assert {module for module in modules if module.startswith("corenet.")} == NEEDED_FOR_HELP
    assert "pluggy" not in modules


def test_help_imports_no_command_of_a_third_party(spy, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(FIXTURES / "commands"))
    look = spy(LOOKS["corenet --help"])
    assert "  hello  " in look.stdout
    assert "commands_plugin" not in look.modules


@EVERY_LOOK
def test_a_look_imports_the_code_of_no_component(spy, look):
    parts = ("corenet.builtin.", "corenet.contracts", "corenet.testing", "corenet.training", "corenet.report")
    assert [module for module in spy(look).modules if module.startswith(parts)] == []


def test_import_corenet_reads_no_metadata_and_no_plugin(spy):
    modules = spy(LOOKS["import corenet"]).modules - spy(BARE).modules
    assert {"importlib.metadata", "pluggy", "click", "corenet.registry", "corenet.builtin"} & modules == set()


@pytest.mark.parametrize("name", ["corenet list-components", "corenet --help"])
def test_a_look_stays_small(spy, monkeypatch, name):
    monkeypatch.setenv("PYTHONPATH", str(FIXTURES / "good"))  # one whose requirement is as usual: corenet>=0.1,<1
    look = spy(LOOKS[name])
    assert len(look.modules - spy(BARE).modules) <= MOST
    assert {module.partition(".")[0] for module in look.modules} & HEAVY == set()
    assert ("good_plugin" in look.modules, "corenet-good" in look.stdout) == (False, "list" in name)
