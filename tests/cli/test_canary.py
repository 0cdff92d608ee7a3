"""``corenet canary`` on plugins in folders: a change of the core that breaks a promise names who is hit."""

import json
import shutil
import sys
from pathlib import Path

import pytest

import corenet
from corenet.canary.trial import Cell, Row

GATE = """
import corenet as cn, torch
class Layer(cn.Module):
    def forward(self, input):
        gate = torch.sigmoid(input)
        self.save(input, gate)
        return input * gate
    def backward(self, grad_output):
        input, gate = self.saved()
        return grad_output * (gate + input * gate * (1 - gate))
"""
CUBE = """
import corenet as cn
class Layer(cn.Module):
    def forward(self, input):
        self.save(input)
        return input**3
    def backward(self, grad_output):
        (input,) = self.saved()
        return 3 * input**2 * grad_output
"""
VERSION = corenet.__version__


@pytest.fixture
def planted(tmp_path):
    """A core that hands out what was saved from last to first."""
    core = tmp_path / "core"
    shutil.copytree(Path(corenet.__file__).parent, core / "corenet", ignore=shutil.ignore_patterns("__pycache__"))
    saved = core / "corenet" / "contracts" / "saved.py"
    text = saved.read_text(encoding="utf-8")
    assert text.count("return self.values") == 1
    saved.write_text(text.replace("return self.values", "return self.values[::-1]"), encoding="utf-8")
    return str(core)


def test_a_change_of_the_core_names_each_plugin_that_it_hits_and_the_check(spawn, plugin_folder, planted):
    gate, cube = plugin_folder("corenet-gate", GATE), plugin_folder("corenet-cube", CUBE, dependencies=["corenet"])
    new = plugin_folder("corenet-new", CUBE, dependencies=["corenet>=99"])
    old = plugin_folder("corenet-old", CUBE, dependencies=["corenet>=0.0.1"])
    folders = list(map(str, (gate, cube, new, old)))
    code, stdout, _ = spawn(sys.executable, "-P", "-m", "corenet", "canary", "--json", *folders, PYTHONPATH=planted)
    report = json.loads(stdout)
    gate, cube, new, old = report["plugins"]
    assert (code, report["schema"], report["ok"]) == (1, 1, False)
    assert (gate["distribution"], gate["version"], len(gate["cells"])) == ("corenet-gate", "1.0", 1)
    (cell,) = gate["cells"]
    assert (cell["core"], cell["status"], cell["components"]) == (VERSION, "failed", 1)
    assert cell["failures"][0].startswith("corenet-gate:gate: module.")
    assert [(cell["core"], cell["status"]) for cell in cube["cells"]] == [(VERSION, "passed"), ("any", "not tried")]
    assert [(cell["core"], cell["status"]) for cell in old["cells"]] == [(VERSION, "passed"), ("0.0.1", "not tried")]
    assert old["cells"][1]["reason"].startswith("corenet 0.0.1 cannot be installed: ")
    assert (new["version"], new["cells"][0]["status"]) == ("", "failed")
    assert "it cannot be installed: " in new["cells"][0]["reason"]


def test_each_plugin_is_a_row_and_each_trouble_a_line(call, monkeypatch):
    found = [
        Row("corenet-x", "1.0", (Cell(VERSION, "passed", 3), Cell("0.1", "not tried", reason="no such version"))),
        Row("corenet-y", "2.0", (Cell(VERSION, "failed", 2, ("corenet-y:y: module.gradient, module.rows",)),)),
    ]
    rows = iter(found)
    monkeypatch.setattr("corenet.cli.canary.try_out", lambda subject, limit: next(rows))
    code, stdout, stderr = call("canary", "corenet-x", "corenet-y")
    lines = stdout.splitlines()
    assert code == 1
    assert [line.split() for line in lines[:4]] == [
        ["PLUGIN", "VERSION", "CORENET", "STATUS", "COMPONENTS"],
        ["corenet-x", "1.0", VERSION, "passed", "3"],
        ["corenet-x", "1.0", "0.1", "not", "tried", "0"],
        ["corenet-y", "2.0", VERSION, "failed", "2"],
    ]
    assert lines[4:] == [
        "corenet-x with corenet 0.1: no such version",
        f"corenet-y with corenet {VERSION}: corenet-y:y: module.gradient, module.rows",
    ]
    assert stderr == "trying corenet-x …\ntrying corenet-y …\n"


def test_requirements_of_a_file_are_tried_too(call, tmp_path, monkeypatch):
    tried = []

    def try_out(subject, limit):
        tried.append((subject.name, limit))
        return Row(subject.name, "1.0", ())

    monkeypatch.setattr("corenet.cli.canary.try_out", try_out)
    listed = tmp_path / "plugins.txt"
    listed.write_text("corenet==0.2.0\n# corenet-b 1.0 is broken: x\n\ncorenet-x==1.5\n", encoding="utf-8")
    assert call("canary", "-r", listed, "corenet-y", "corenet-y", "--timeout", 5).code == 0
    assert tried == [("corenet-y", 5.0), ("corenet-x", 5.0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give plugins: folders, names of distributions, or requirements"),
        (("-r", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("./nowhere",), "'./nowhere' is no folder of a plugin"),
        (("corenet",), "corenet itself is checked by corenet check corenet"),
        (("x", "--timeout", "nan"), "no finite number of seconds"),
    ],
)
def test_a_mistake_is_one_line(call, arguments, message):
    code, stdout, stderr = call("canary", *arguments)
    assert (code, stdout, len(stderr.splitlines())) == (2, "", 1)
    assert message in stderr
