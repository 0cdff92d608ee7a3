"""``corenet demo``: once for real, and what it does where something is missing."""

import json
import re
import sys

import pytest

from corenet.cli import demo

FIGURES = ["003b-better-points.png", "003b-better-map.png", "003b-better-curves.png"]
CODE = """
import corenet as cn

class Wrong(cn.Module):
    def forward(self, input):
        self.save(input)
        return input ** 2

    def backward(self, grad_output):
        (input,) = self.saved()
        return input * grad_output

class Crashes(Wrong):
    def forward(self, input):
        raise RuntimeError("no")
"""


@pytest.fixture
def brief(monkeypatch, short):
    """Make the demonstration one of two epochs."""
    monkeypatch.setattr(demo, "EXPERIMENT", str(short()))
    monkeypatch.setattr(demo, "ROUNDS", 1)


def test_it_runs_from_end_to_end(script, spawn, tmp_path):
    pytest.importorskip("matplotlib")
    code, stdout, stderr = spawn(script, "demo", PYTHONIOENCODING="utf-8")
    assert code == 0, stderr
    assert stderr.splitlines()[-1] == "3 networks, each on 1000 points of its own:"
    row = next(line for line in stdout.splitlines() if "test error" in line)
    test_error = re.findall(r"(\d\.\d{3}) ± \d\.\d{3}", row)[0]
    assert float(test_error) <= 0.035
    assert row.endswith(" yes")
    drawn = [line for line in stdout.splitlines() if line.startswith("│")]
    assert len(drawn) == 23
    assert {len(line) for line in drawn} == {48}
    assert "█" in drawn[11]
    checked = re.search(r"^gradients checked: (\d+) components, worst relative error (\S+)$", stdout, re.MULTILINE)
    assert int(checked[1]) >= 9
    assert float(checked[2]) < 1e-6
    written = [line.removeprefix("wrote ") for line in stdout.splitlines() if line.startswith("wrote ")]
    assert written == [f"corenet-demo/{name}" for name in FIGURES]
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in written)


def test_json_and_nothing_else(call, brief):
    pytest.importorskip("matplotlib")
    code, stdout, stderr = call("demo", "--json", "--out", "there")
    assert (code, stderr) == (0, "")
    found = json.loads(stdout)
    assert (list(found), found["schema"]) == (["schema", "outcome", "gradients", "figures"], 1)
    assert found["outcome"]["experiment"] == "short"
    assert {component["name"] for component in found["gradients"]} >= {"corenet:linear", "corenet:bce"}
    assert all(component["ok"] for component in found["gradients"])
    assert found["figures"] == [f"there/short-better-{figure}.png" for figure in ("points", "map", "curves")]


def test_without_matplotlib_it_goes_on_and_says_so_once(call, brief, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, stdout, stderr = call("demo")
    assert code == 0
    assert stderr.splitlines()[0] == 'no figures: figures need matplotlib; run: pip install "corenet[plot]"'
    assert stderr.count("matplotlib") == 1
    assert "gradients checked: " in stdout
    assert "wrote" not in stdout
    assert list((tmp_path / "corenet-demo").iterdir()) == []


def test_the_seed_is_used(call, brief, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    verified = []
    monkeypatch.setattr(demo, "_gradients", lambda seed: verified.append(seed) or [])
    measured = [
        json.loads(call("demo", "--json", "--seed", seed)[1])["outcome"]["measured"]["test_error"] for seed in (0, 0, 1)
    ]
    assert measured[0] == measured[1] != measured[2]
    assert verified == [0, 0, 1]


def test_a_wrong_gradient_of_a_plugin_is_named_and_a_crash_costs_nothing(call, brief, install, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    install("corenet-x", "corenet.modules", "crashes = x_code:Crashes\nwrong = x_code:Wrong", x_code=CODE)
    code, stdout, _ = call("demo")
    assert code == 1
    assert "wrong: corenet-x:wrong, see corenet check corenet-x:wrong" in stdout.splitlines()
