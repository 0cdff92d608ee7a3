"""``corenet install``: what pip is told, and what is shown of what came."""

import subprocess
import sys

import pytest


@pytest.fixture
def pip(monkeypatch):
    """Note what is run, and do something else instead."""
    calls = []

    def use(doing=lambda: None, code=0):
        def run(command, check):
            calls.append(command)
            doing()
            return subprocess.CompletedProcess(command, code)

        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return use


def test_what_came_is_shown(call, install, pip):
    calls = pip(lambda: install("corenet-a", "corenet.modules", "one = x:X\ntwo = x:X"))
    code, stdout, stderr = call("install", "corenet-a>=1", "--upgrade")
    assert (code, stderr) == (0, "")
    assert calls == [[sys.executable, "-m", "pip", "install", "--upgrade", "corenet-a>=1"]]
    heading, line = stdout.splitlines()
    assert heading.split() == ["PLUGIN", "VERSION", "STATUS", "COMPONENTS", "REASON"]
    assert line.split() == ["corenet-a", "1.2", "declared", "2"]


def test_nothing_new_is_said(call, install, pip, tmp_path):
    install("corenet-a", "corenet.modules", "one = x:X")
    (tmp_path / "plugins.txt").write_text("corenet-a==1.2\n", encoding="utf-8")
    calls = pip()
    assert call("install", "-r", "plugins.txt") == (0, "no plugin is new\n", "")
    assert calls[0][3:] == ["install", "--requirement=plugins.txt"]


def test_a_failure_of_pips_is_one(call, pip):
    pip(code=3)
    code, stdout, stderr = call("install", "corenet-a")
    assert (code, stdout) == (2, "")
    assert stderr == "corenet: pip ended with exit code 3; nothing says that all was installed\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give names of plugins, or -r FILE"),
        (("-r", "nowhere.txt"), "'nowhere.txt' does not exist"),
        (("corenet-a", "--", "--index-url=https://example.org"), "is no plugin; pip's own options are for pip install"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_installed(call, pip, arguments, message):
    calls = pip()
    code, stdout, stderr = call("install", *arguments)
    assert (code, stdout, len(stderr.splitlines()), calls) == (2, "", 1, [])
    assert message in stderr
