"""``corenet check FILE:Name --inputs TEXT``: what is no component, checked by what a plugin offers for it."""

import json

import pytest

CHECKER = """
from corenet.errors import ConfigError
from corenet.testing.report import Report, Result

class Doubles: ...

def lists(subject):
    return isinstance(subject, type) and hasattr(subject, "twice")

def takes(subject):
    return callable(subject)

def read_inputs(text, seed):
    if not text.isdigit():
        raise ConfigError(f"inputs {text!r}: a number, such as 3")
    return (int(text) + seed,)

def check(subject, inputs, *, name, seed, announce):
    announce("doubles.right")
    found = subject.twice(*inputs) if hasattr(subject, "twice") else subject(*inputs)
    right = found == 2 * inputs[0]
    verdict = "passed" if right else "failed"
    return Report(name, "function", (Result("doubles.right", verdict, message="" if right else f"it gives {found}"),))
"""
FILE = """
import os, time
import corenet as cn

class Right:
    @staticmethod
    def twice(x): return 2 * x

class Wrong(Right):
    @staticmethod
    def twice(x): return 3 * x

class _Hidden(Right): ...

class Layer(cn.Module):
    def forward(self, input): return input

def plain(x):
    return x + x

def hangs(x):
    while True: time.sleep(1)

def ends(x): os._exit(0)

number = 3
"""


@pytest.fixture
def written(tmp_path):
    (tmp_path / "doubles.py").write_text(FILE, encoding="utf-8")
    (tmp_path / "bare.py").write_text("class Right:\n    twice = 2", encoding="utf-8")


@pytest.fixture
def checker(install, written):
    install("corenet-doubles", "corenet.checkers", "doubles = doubling_checker", doubling_checker=CHECKER)


def checked(call, *arguments):
    """Return the exit code, and by name what the report says."""
    code, stdout, _ = call("check", *arguments, "--json")
    return code, {result["name"]: result for result in json.loads(stdout)["components"]}


def test_the_functions_of_a_file_are_checked_by_the_plugin(call, checker):
    code, results = checked(call, "doubles.py", "--inputs", 4, "--seed", 3)
    assert (code, list(results)) == (1, ["doubles.py:Right", "doubles.py:Wrong"])
    right, wrong = results.values()
    assert (right["ok"], right["kind"], right["message"]) == (True, "function", "1 passed")
    assert wrong["checks"][0]["message"] == "it gives 21"


def test_a_function_that_is_named_need_not_be_one_that_is_listed(call, checker):
    code, results = checked(call, "doubles.py:plain", "doubles.py:_Hidden", "doubles:plain", "--inputs", 4)
    assert (code, list(results)) == (0, ["doubles.py:plain", "doubles.py:_Hidden", "doubles:plain"])


def test_a_function_that_hangs_or_ends_python_costs_the_others_nothing(call, checker):
    names = [f"doubles.py:{name}" for name in ("hangs", "ends", "Right")]
    code, results = checked(call, *names, "--inputs", 4, "--timeout", 10)
    hangs, ends, right = results.values()
    assert (code, right["ok"]) == (1, True)
    assert hangs["message"] == "its check took longer than 10 s, in doubles.right; --timeout SECONDS gives it more"
    assert ends["message"] == "its check ended Python with exit code 0, in doubles.right"


NEEDED = "functions that others wrote, such as PyTorch's, need a checker: pip install corenet-torch"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["doubles.py:Right", "--inputs", "x"], "inputs 'x': a number, such as 3"),
        (["doubles.py:Rigth", "--inputs", "3"], "doubles.py has no 'Rigth' (did you mean 'Right'?)"),
        (
            ["doubles.py:number", "--inputs", "3"],
            "doubles.py:number is no function that can be checked; components need no --inputs",
        ),
        (
            ["bare.py:Right"],
            'bare.py:Right is a function: say what it is called with, such as --inputs "float32[4,3]"',
        ),
        (
            ["relu", "--inputs", "3"],
            "--inputs is for functions of a file or module, such as swish.py:Swish, not for relu",
        ),
        (["--all", "--inputs", "3"], "--inputs is for functions of a file or module, not for --all"),
    ],
)
def test_what_cannot_be_checked_is_a_mistake_in_one_line(call, checker, arguments, message):
    assert call("check", *arguments) == (2, "", f"corenet: {message}\n")


@pytest.mark.parametrize("switch", [[], ["--no-plugins"]], ids=["not_installed", "switched_off"])
def test_without_a_checker_it_says_what_to_install(call, written, switch, request):
    if switch:
        request.getfixturevalue("checker")
    assert call("check", *switch, "doubles.py:Right", "--inputs", "3") == (2, "", f"corenet: {NEEDED}\n")
    code, _, stderr = call("check", *switch, "bare.py:Right")
    assert code == 2
    assert stderr.startswith("corenet: Right is not a component")
    assert stderr.endswith(f"; {NEEDED}\n")


def test_components_of_a_file_need_no_checker(call, checker):
    code, results = checked(call, "doubles.py:Layer")
    assert [each["kind"] for each in results.values()] == ["module"]
    assert code == 1  # it has no backward


def test_a_checker_that_is_broken_is_told_in_one_line(call, install, written):
    install("corenet-doubles", "corenet.checkers", "doubles = broken_checker", broken_checker="import gone")
    code, _, stderr = call("check", "doubles.py:Right", "--inputs", "3")
    assert code == 2
    assert stderr == (
        "corenet: the checker 'doubles' of corenet-doubles cannot be used: "
        "ModuleNotFoundError: No module named 'gone'\n"
    )
