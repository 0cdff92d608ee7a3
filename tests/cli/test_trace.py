"""``corenet trace``: an experiment's first step, a step around a module, and the mistakes of a user."""

import json
import re

import pytest
import torch

CODE = """
import corenet as cn

class Right(cn.Module):
    def forward(self, input):
        self.save(input)
        return input ** 3
    def backward(self, grad_output):
        print("chatty")
        (input,) = self.saved()
        return grad_output * 3 * input**2

class Wrong(Right):
    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output * 3 * input
"""


@pytest.fixture
def stranger(install):
    install("corenet-x", "corenet.modules", "right = x_code:Right\nwrong = x_code:Wrong", x_code=CODE)


def traced(call, *arguments):
    code, stdout, stderr = call("trace", *arguments, "--json")
    return code, json.loads(stdout), stderr


def test_an_experiment_as_tables(call):
    code, stdout, stderr = call("trace", "003a")
    assert (code, stderr) == (0, "")
    assert stdout.startswith("003a, reported recipe, seed 0: the first step\n")
    for part in ("FORWARD", "BACKWARD", "STEP", "MSELoss()", "Linear(25 → 1)"):
        assert part in stdout


def test_an_experiment_as_json(call):
    code, result, _ = traced(call, "003a", "--recipe", "better", "--batch-size", 10, "--seed", 3)
    assert (code, result["schema"], result["ok"]) == (0, 1, True)
    assert result["title"] == "003a, better recipe, seed 3: the first step"
    assert [layer["label"] for layer in result["layers"]][:2] == ["Linear(2 → 25)", "ReLU()"]
    assert result["layers"][0]["input"]["shape"] == [10, 2]
    assert result["loss"]["label"] == "MSELoss()"


def test_a_path_of_an_experiment_is_taken(call, short):
    code, result, _ = traced(call, short())
    assert (code, len(result["layers"])) == (0, 4)


@pytest.mark.parametrize("name", ["relu", "corenet:tanh", "linear", "dropout"])
def test_a_module_between_two_linear_layers(call, name):
    code, result, _ = traced(call, name, "--batch-size", 6)
    assert (code, len(result["layers"])) == (0, 3)
    before, module, behind = result["layers"]
    assert before["input"]["mean"] == before["output"]["mean"]  # the identity
    assert module["grad_input"]["shape"] == module["input"]["shape"]
    assert behind["output"]["shape"] == [6, 1]


def test_a_strangers_right_module(call, stranger):
    code, result, stderr = traced(call, "corenet-x:right")
    assert (code, result["ok"]) == (0, True)
    assert set(stderr.split()) == {"chatty"}


def test_a_wrong_gradient_is_exit_code_1(call, stranger):
    code, result, _ = traced(call, "corenet-x:wrong")
    assert (code, [layer["check"]["wrong"] for layer in result["layers"]]) == (1, [False, True, False])
    code, stdout, _ = call("trace", "wrong")
    assert code == 1
    assert "WRONG" in stdout


def test_a_module_of_a_file_that_is_not_installed(call, tmp_path):
    (tmp_path / "layers.py").write_text(CODE, encoding="utf-8")
    code, result, _ = traced(call, "layers.py:Wrong")
    assert (code, result["title"]) == (1, "layers.py:Wrong between two linear layers, seed 0")
    assert [layer["check"]["wrong"] for layer in result["layers"]] == [False, True, False]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("two.py", "two.py has 2 modules; trace one of them, such as two.py:Right"),
        ("two.py:Rigth", "two.py has no class 'Rigth' (did you mean 'Right'?)"),
        ("step.py", "trace shows a module, and step.py:Step is an optimizer"),
        ("needy.py", "cannot guess how to build Needy(names: dict); give it a conformance_cases() "),
        ("gone.py:X", "there is no file gone.py"),
    ],
)
def test_a_file_without_such_a_module_is_a_mistake(call, tmp_path, target, message):
    (tmp_path / "two.py").write_text(CODE, encoding="utf-8")
    needy = "class Needy(cn.ReLU):\n    def __init__(self, names: dict): ..."
    (tmp_path / "needy.py").write_text(f"import corenet as cn\n{needy}", encoding="utf-8")
    step = "class Step(cn.Optimizer):\n    def update(self, param, grad, state): ..."
    (tmp_path / "step.py").write_text(f"import corenet as cn\n{step}", encoding="utf-8")
    code, stdout, stderr = call("trace", target)
    assert (code, stdout) == (2, "")
    assert stderr.startswith(f"corenet: {message}")
    assert stderr.count("\n") == 1


def test_out_has_the_page(call, tmp_path):
    code, stdout, _ = call("trace", "tanh", "--out", "tanh.html")
    assert (code, stdout.splitlines()[-1]) == (0, "page in tanh.html")
    text = (tmp_path / "tanh.html").read_text(encoding="utf-8")
    assert "return grad_output * (1 - output * output)" in text


def test_a_seed_gives_the_same_step_again_and_leaves_torchs_generator(call):
    state = torch.get_rng_state()
    one, same, other = (call("trace", "003b", "--seed", seed, "--json")[1] for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reluu"], "there is no experiment or module 'reluu' (did you mean 'relu'?)"),
        (["003"], "there is no experiment or module '003' (did you mean '003b'?)"),
        (["mse"], "there is no experiment or module 'mse' ('mse' is a loss)"),
        (["sgd"], "there is no experiment or module 'sgd' ('sgd' is an optimizer)"),
        (["corenet:nothing"], "there is no module 'corenet:nothing'"),
        (["gone.toml"], "cannot read gone.toml"),
        (["relu", "--recipe", "better"], "--recipe is for an experiment, and relu is a module"),
        (["relu", "--out", "no/such/folder.html"], "cannot write no/such/folder.html"),
        (
            ["999"],
            "there is no experiment or module '999'; corenet reproduce lists experiments, corenet list-components ",
        ),
        (["003b", "--batch-size", "1001"], "--batch-size 1001: the experiment has 1000 points to train on"),
        (["003b", "--batch-size", "99999999"], "Invalid value for '--batch-size': 99999999 is not in the range"),
        (["relu", "--batch-size", "99999999"], "Invalid value for '--batch-size': 99999999 is not in the range"),
        (["relu", "--batch-size", "0"], "Invalid value for '--batch-size'"),
        ([], "Missing argument 'CONFIG|NAME|FILE'"),
    ],
)
def test_a_mistake_is_one_line(call, arguments, message):
    code, stdout, stderr = call("trace", *arguments)
    assert (code, stdout) == (2, "")
    assert stderr.startswith(f"corenet: {message}")
    assert stderr.count("\n") == 1


def test_the_command_shows_numbers(call):
    code, stdout, stderr = call("trace", "003a", "--numbers", "--batch-size", "2")
    assert (code, stderr) == (0, "")
    assert "Affine map y = x Wᵀ + b." in stdout
    assert re.search(r"input 2×2 ", stdout)
