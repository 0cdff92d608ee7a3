"""``corenet check FILE``: a file that is not installed, and what its components may do to the process."""

import json
import sys

import pytest


def checked(call, *arguments):
    """Return the exit code, and by name what the report says."""
    code, stdout, _ = call("check", *arguments, "--json")
    return code, {result["name"]: result for result in json.loads(stdout)["components"]}


FILE = """
import os, time
import torch
import corenet as cn

class Right(cn.Module):
    def forward(self, input):
        self.save(input)
        return input ** 2

    def backward(self, grad_output):
        (input,) = self.saved()
        return 2 * input * grad_output

class Hangs(Right):
    def backward(self, grad_output):
        while True: time.sleep(1)

class Ends(Right):
    def backward(self, grad_output):
        os._exit(0)

class Large(Right):
    def backward(self, grad_output):
        return torch.ones(10 * 2**30, dtype=torch.uint8)[:1] + super().backward(grad_output)

class Needy(Right):
    def __init__(self, names: dict): ...

class Gap(cn.ElementwiseLoss):
    def elements(self, input, target): return (input - target) ** 2
    def derivative(self, input, target): return 2 * (input - target)
"""


def test_a_file_need_not_be_installed_and_what_ends_one_check_costs_the_others_nothing(call, tmp_path):
    (tmp_path / "layers.py").write_text(FILE, encoding="utf-8")
    code, results = checked(call, "layers.py", "--timeout", 15)
    names = [f"layers.py:{name}" for name in ("Right", "Hangs", "Ends", "Large", "Needy", "Gap")]
    assert (code, list(results)) == (1, names)
    right, hangs, ends, large, needy, gap = results.values()
    assert [each["ok"] for each in results.values()] == [True, False, False, False, False, True]
    assert hangs["message"] == "its check took longer than 15 s, in module.runs; --timeout SECONDS gives it more"
    assert ends["message"] == "its check ended Python with exit code 0, in module.runs"
    assert needy["message"].startswith("cannot guess how to build Needy(names: dict); give it a conformance_cases()")
    assert (right["kind"], gap["kind"]) == ("module", "loss")
    assert large["checks"][0]["check"] == "module.runs"
    assert "allocate" in large["checks"][0]["message"] or not sys.platform.startswith("linux")


def test_one_class_of_a_file_beside_an_installed_component(call, tmp_path):
    (tmp_path / "layers.py").write_text(FILE, encoding="utf-8")
    code, results = checked(call, "layers.py:Right", "tanh")
    assert (code, list(results)) == (0, ["layers.py:Right", "corenet:tanh"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.py"], "there is no file gone.py"),
        (["layers.py:Rihgt"], "layers.py has no class 'Rihgt' (did you mean 'Right'?)"),
        (["ends.py"], "importing ends.py ended Python with exit code 5"),
        (["relu", "--timeout", "0"], "Invalid value for '--timeout': 0.0 is not in the range x>0."),
    ],
)
def test_a_file_that_cannot_be_used_is_a_mistake_in_one_line(call, tmp_path, arguments, message):
    (tmp_path / "layers.py").write_text(FILE, encoding="utf-8")
    (tmp_path / "ends.py").write_text("import os; os._exit(5)", encoding="utf-8")
    assert call("check", *arguments) == (2, "", f"corenet: {message}\n")


def test_a_class_that_python_can_import_need_not_be_installed_either(call, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "layers.py").write_text(FILE, encoding="utf-8")
    code, results = checked(call, "mine.layers:Right", "mine.layers:Gap")
    assert (code, list(results)) == (0, ["mine.layers:Right", "mine.layers:Gap"])
    code, stdout, _ = call("trace", "mine.layers:Right")
    assert code == 0
    assert stdout.startswith("mine.layers:Right between two linear layers")
    code, _, stderr = call("check", "mine.layers:Rigt")
    assert (code, stderr) == (2, "corenet: mine.layers has no class 'Rigt' (did you mean 'Right'?)\n")
    code, _, stderr = call("check", "mine.nowhere:Right")
    assert stderr == "corenet: importing mine.nowhere raises ModuleNotFoundError: No module named 'mine.nowhere'\n"
