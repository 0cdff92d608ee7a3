"""What a student's code does to the files of the grader and to the libraries is seen; printing an error is no harm."""

import json

import numpy as np
import pytest
import torch

import corenet
from corenet.grading.guard import replaced, running, snapshot
from corenet.testing.support.violation import Violation

HONEST = "def forward(x): return x * (x > 0), x\ndef backward(g, x): return g * (x > 0)\n"


def misconceptions(result):
    return {check["misconception"] for layer in result["layers"] for check in layer["checks"]}


def test_a_file_of_the_grader_that_is_read_costs_all_points(graded):
    path = corenet.__file__.replace("__init__.py", "grading/layers/relu.py")
    result = graded("relu", "numpy", text=f"open({path!r}).read()\n{HONEST}")
    assert (result["points"], misconceptions(result)) == (0.0, {"cheat_grader"})


def test_a_file_of_the_assignment_that_is_read_costs_all_points(graded, tmp_path):
    path = str(tmp_path / "homework" / "assignment.toml")
    result = graded("relu", "numpy", text=HONEST.replace("return g", f"return open({path!r}) and g"))
    assert (result["points"], misconceptions(result)) == (0.0, {"cheat_grader"})


def test_files_of_ones_own_may_be_read(graded, tmp_path):
    (tmp_path / "mine.txt").write_text("1")
    result = graded("relu", "numpy", text=f"open({str(tmp_path / 'mine.txt')!r}).read()\n{HONEST}")
    assert result["points"] == result["out_of"]


def test_a_printed_error_is_no_look_into_the_grader(graded):
    text = (
        "import traceback\ndef forward(x):\n    try:\n        1 / 0\n    except ZeroDivisionError:\n"
        "        traceback.print_stack()\n        traceback.print_exc()\n    return x * (x > 0), x\n"
        "def backward(g, x): return g * (x > 0)\n"
    )
    result = graded("relu", "numpy", text=text)
    assert result["points"] == result["out_of"]


@pytest.mark.parametrize("where", ["numpy.abs", "torch.equal", "builtins.sum", "json.dumps"])
def test_a_replaced_function_costs_all_points(graded, monkeypatch, where):
    import builtins

    library, name = where.split(".")
    module = {"numpy": np, "torch": torch, "builtins": builtins, "json": json}[library]
    monkeypatch.setattr(module, name, getattr(module, name))  # which puts it back at the end
    text = f"import {library}\nold = {where}\n{where} = lambda *each, **more: old(*each, **more)\n{HONEST}"
    result = graded("relu", "numpy", text=text)
    assert (result["points"], misconceptions(result)) == (0.0, {"cheat_tampering"})


def test_what_stays_is_not_replaced():
    before = snapshot()
    np.set_printoptions(precision=8)
    assert replaced(before) == []


def test_a_new_tensor_is_float64_while_a_students_code_runs():
    with running():
        assert torch.zeros(1).dtype == torch.float64
        with running():
            pass
        assert torch.zeros(1).dtype == torch.float64
    assert torch.zeros(1).dtype == torch.float32


def test_autograd_is_refused_while_a_students_code_runs():
    x = torch.ones(1, requires_grad=True)
    with running(), pytest.raises(Violation):
        (x * x).sum().backward()
