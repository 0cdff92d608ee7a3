"""The command line, in this process and as a real one, and plugins for it to meet."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

from corenet.cli import main
from corenet.registry.registry import registry_under

SCRIPT = str(Path(sysconfig.get_path("scripts"), "corenet"))

EXPERIMENT = """
title = "A short one"
source = "these tests"
[reported]
test_error = {reported}
[recipe]
modules = [["linear", 2, 4], ["relu"], ["linear", 4, 1], ["sigmoid"]]
loss = "bce"
targets = "unit"
normalized = false
epochs = 2
batch_size = 100
optimizer = {{ name = "sgd", lr = 0.1 }}
[better]
why = "a larger rate"
optimizer = {{ name = "sgd", lr = 0.5 }}
"""


class Result(NamedTuple):
    code: int
    stdout: str
    stderr: str


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """Run the command line in this process, in an empty folder: ``call("check", "relu")``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CORENET_DEBUG", raising=False)

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(each) for each in arguments])
        captured = capsys.readouterr()
        return Result(stopped.value.code or 0, captured.out, captured.err)

    return run


@pytest.fixture
def spawn(tmp_path):
    """Run the command line as a process: ``spawn(SCRIPT, "check", "relu")``."""

    def run(*command, stdout=subprocess.PIPE, **env):
        env = {name: value for name, value in os.environ.items() if name != "CORENET_DEBUG"} | env
        done = subprocess.run(
            command,
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            cwd=tmp_path,
            env=env,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin: ``install("corenet-x", "corenet.modules", "x = x_code:X", x_code="its code")``."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    registry_under.cache_clear()

    def write(name, group, entry_points, summary="", version="1.2", extra="", **modules):
        info = site / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\nAuthor: A. Stranger\n"
        (info / "METADATA").write_text(metadata + extra, encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry_points}\n", encoding="utf-8")
        for module, code in modules.items():
            (site / f"{module}.py").write_text(code, encoding="utf-8")
        importlib.invalidate_caches()

    yield write
    registry_under.cache_clear()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(site)):
            del sys.modules[name]


@pytest.fixture
def short(tmp_path):
    """An experiment of two epochs, as a file."""

    def write(name="short", reported=0.9):
        path = tmp_path / f"{name}.toml"
        path.write_text(EXPERIMENT.format(reported=reported), encoding="utf-8")
        return path

    return write


@pytest.fixture
def script():
    """The installed command."""
    return SCRIPT
