"""``corenet check FILE.py:Function --inputs …`` says what is wrong with each of the fourteen faults."""

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest
import torch

from corenet_torch import command_line

FOLDER = Path(__file__).parent
CODE = """
import torch

class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return x * grad_output

class Base(torch.autograd.Function):
    "Leaves the formulas to others."

class Scaled(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(size))

    def forward(self, x, factor=1.0):
        return factor * x * self.weight

class Tanh(torch.nn.Module):
    def forward(self, x):
        return torch.tanh(x)

def picked(x, rows):
    return torch.log(x[rows])

@torch.library.custom_op("corenet_tests_of_files::double", mutates_args=())
def double(x: torch.Tensor) -> torch.Tensor:
    return 2 * x

layer = Scaled(3)
pair = (torch.square, lambda grad_output, x: grad_output * x)
"""


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """Run the command as a process, with the plugin's metadata, and return the exit code and the results by name."""
    if not any(each.value == "corenet_torch.command_line" for each in entry_points(group="corenet.checkers")):
        info = tmp_path / "corenet_torch-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: corenet-torch\nVersion: 0.1.0\n", encoding="utf-8")
        lines = "[corenet.checkers]\ntorch = corenet_torch.command_line\n"  # as in pyproject.toml
        (info / "entry_points.txt").write_text(lines, encoding="utf-8")
    (tmp_path / "mine.py").write_text(CODE, encoding="utf-8")

    def run(*arguments):
        path = [str(tmp_path), *filter(None, sys.path)]
        program = f"import sys; sys.path[:] = {path!r}; from corenet.cli import main; main({[*arguments, '--json']!r})"
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path, check=False)
        if done.returncode == 2:
            return 2, done.stderr
        return done.returncode, {each["name"]: each for each in json.loads(done.stdout)["components"]}

    return run


def test_each_of_the_fourteen_faults_is_told(checked):
    faults = str(FOLDER / "test_faults.py")
    code, results = checked("check", faults, "--inputs", "float32[9,3]")
    assert code == 1
    told = {
        name.rpartition(":")[2]: " ".join(
            f"{each['check']} {each['message']} {each['diagnosis']}"
            for each in result["checks"]
            if each["verdict"] == "failed"
        )
        for name, result in results.items()
    }
    words = {
        "Swish": "",
        "Sign": "the sign is wrong",
        "Factor": "a factor 2 too many",
        "Term": "return grad_output * torch.sigmoid(x)",
        "UpstreamIgnored": "grad_output is ignored",
        "UpstreamContiguous": "grad_output.contiguous()",
        "InputContiguous": "call .contiguous()",
        "SharedState": "state is shared between calls",
        "OverwritesSaved": "backward overwrites x",
        "OverwritesUpstream": "backward overwrites its upstream gradient",
        "TailDropped": "the rest of a block is lost",
        "WrongBeyond8": "grad_input[8:] *= 1.5",
        "RoundsFloat32": "right in float64: look for what is rounded",
        "ZeroBeyond": "where(x <= 1.5, 0.0)",
        "Noise": "a second backward of one forward gives another gradient",
    }
    assert list(told) == list(words)
    assert [name for name, each in words.items() if each not in told[name]] == []
    assert told["Swish"] == ""


def test_all_that_check_takes_can_be_named(checked):
    code, results = checked(
        "check", *(f"mine.py:{each}" for each in ("layer", "Tanh", "Scaled")), "--inputs", "float64[4,3]"
    )
    assert code == 1
    layer, tanh, scaled = results.values()
    assert (layer["ok"], tanh["ok"], scaled["ok"]) == (True, True, False)
    assert layer["power"] < 1e-5
    assert "Scaled() raises TypeError" in scaled["message"]
    assert "write layer = Scaled(…) below it" in scaled["message"]
    code, results = checked("check", "mine.py:Square", "mine.py:pair", "--inputs", "float32[4,3]")
    assert (code, list(results)) == (1, ["mine.py:Square", "mine.py:pair"])
    assert all("a factor 2 is missing" in json.dumps(each) for each in results.values())
    code, results = checked("check", "mine.py:picked", "--inputs", "float32[4,3]>0, int64[7]<4")
    assert (code, results["mine.py:picked"]["ok"]) == (0, True)


def test_inputs_that_cannot_be_read_are_a_mistake_in_one_line(checked):
    code, stderr = checked("check", "mine.py:Square", "--inputs", "float32(4,3)")
    assert code == 2
    assert stderr.startswith("corenet: inputs 'float32(4,3)': ")
    assert stderr.count("\n") == 1
    assert "such as float32[4,3]" in stderr


def test_a_file_is_searched_for_functions_with_a_forward():
    module = ModuleType("mine")
    exec(CODE, vars(module))
    found = {name: each for name, each in vars(module).items() if not name.startswith("__")}
    assert [name for name, each in found.items() if command_line.lists(each)] == ["Square", "double"]
    taken = [name for name, each in found.items() if command_line.takes(each)]
    assert taken == ["Square", "Base", "Scaled", "Tanh", "picked", "double", "layer", "pair"]
    assert not command_line.takes(torch.ones(2))
