"""The kit as tests of pytest's, in real runs of it: with a test file, and without."""

import json
import os
import subprocess
import sys

import pytest

import corenet as cn
from corenet.testing import components_of, parametrize_with_checks
from corenet.testing.conformance import CHECKS

CODE = """
import corenet as cn

class Square(cn.Module):
    @staticmethod
    def conformance_cases():
        return [cn.Case()]

    def forward(self, input):
        self.save(input)
        return input ** 2

    def backward(self, grad_output):
        (input,) = self.saved()
        return {sign}2 * input * grad_output
"""
TESTS = """
from corenet.testing import components_of, parametrize_with_checks

@parametrize_with_checks(components_of("corenet-{name}"), expected_failures={expected})
def test_conforms(component, check):
    check(component)
"""
METADATA = "Metadata-Version: 2.1\nName: corenet-{name}\nVersion: 1.0\n"
ENTRY_POINTS = "[corenet.modules]\n{name} = {name}_code:Square\n"
# Several runs of pytest in one process: importing torch takes longer than all of them.
RUN_ALL = """
import contextlib, io, json, sys
import pytest

results = {}
for name, arguments in json.loads(sys.argv[1]).items():
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        code = pytest.main(["-p", "no:cacheprovider", "-q", "--rootdir", ".", *arguments])
    results[name] = int(code), out.getvalue()
print(json.dumps(results))
"""
PLUGIN = ("-p", "corenet.testing.pytest_plugin", "--corenet")
RUNS = {
    "not loaded": ("--trace-config", "test_square.py", "-k", "strides"),
    "right": ("test_square.py",),
    "wrong": ("test_wrong.py",),
    "expected": ("test_expected.py", "-rx", "-k", "strides"),
    "without a file": (*PLUGIN, "corenet-wrong", "--ignore-glob", "test_*.py", "-k", "gradient"),
    "misspelt": (*PLUGIN, "corenet-sqare"),
}


def write_plugin(folder, name, sign=""):
    info = folder / f"corenet_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA.format(name=name), encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS.format(name=name), encoding="utf-8")
    (folder / f"{name}_code.py").write_text(CODE.format(sign=sign), encoding="utf-8")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The exit code and the output of each of ``RUNS``, on a plugin that is right and one with a wrong sign."""
    folder = tmp_path_factory.mktemp("plugins")
    write_plugin(folder, "square")
    write_plugin(folder, "wrong", sign="-")
    for file, name, expected in [
        ("square", "square", None),
        ("wrong", "wrong", None),
        ("expected", "square", {"module.strides": "not yet"}),
    ]:
        (folder / f"test_{file}.py").write_text(TESTS.format(name=name, expected=expected), encoding="utf-8")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command = [sys.executable, "-c", RUN_ALL, json.dumps(RUNS)]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_check_of_each_component_is_a_test():
    rows = components_of("corenet")
    mark = parametrize_with_checks(rows)
    names = [parameter.id for parameter in mark.args[1]]
    assert "linear-module.input_gradient" in names
    assert names == [f"{row.name}-{check.id}" for row in rows for check in CHECKS[row.kind]]


def test_a_class_is_taken_too_and_what_is_neither_is_refused():
    mark = parametrize_with_checks([cn.Tanh])
    first = mark.args[1][0]
    assert first.id == "Tanh-module.runs"
    component, check = first.values
    check(component)
    with pytest.raises(cn.ConfigError, match="takes a class"):
        parametrize_with_checks([cn.Tanh()])


def marks_of(components, expected):
    """The marks of the tests of ``module.compiled``, by component."""
    parameters = parametrize_with_checks(components, expected_failures=expected).args[1]
    found = {each.id.partition("-")[0]: each.marks for each in parameters if each.id.endswith("module.compiled")}
    return {name: [(mark.kwargs["reason"], mark.kwargs["strict"]) for mark in marks] for name, marks in found.items()}


def test_nothing_to_check_is_refused():
    for nothing in ([], iter([])):
        with pytest.raises(cn.ConfigError, match="no component to check"):
            parametrize_with_checks(nothing)


def test_a_failure_is_expected_of_one_component_of_many():
    found = marks_of([cn.Tanh, cn.Linear], {"Tanh": {"module.compiled": "branches"}})
    assert found == {"Tanh": [("branches", True)], "Linear": []}


def test_what_is_expected_of_many_need_not_be_so_of_each():
    both = marks_of([cn.Tanh, cn.Linear], {"module.compiled": "branches"})
    assert both == {"Tanh": [("branches", False)], "Linear": [("branches", False)]}
    assert marks_of([cn.Tanh], {"module.compiled": "branches"}) == {"Tanh": [("branches", True)]}


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"module.compile": ""}, r"no check 'module.compile' here \(did you mean 'module.compiled'"),
        ({"Tanh": {"module.compile": ""}}, "no check 'module.compile' here"),
        ({"Tan": {"module.compiled": ""}}, "no component 'Tan' here"),
    ],
)
def test_an_expected_failure_of_nothing_is_refused(expected, message):
    with pytest.raises(cn.ConfigError, match=message):
        parametrize_with_checks([cn.Tanh], expected_failures=expected)


def test_a_right_plugin_passes(runs):
    code, stdout = runs["right"]
    assert code == 0, stdout
    assert f"{len(CHECKS['module']) - 3} passed, 3 skipped" in stdout  # no parameters, not random


def test_a_wrong_plugin_fails_where_it_is_wrong(runs):
    code, stdout = runs["wrong"]
    assert code == 1
    assert "FAILED test_wrong.py::test_conforms[wrong-module.input_gradient]" in stdout
    assert "module.batch_of_one] - " not in stdout
    assert "sign" in stdout


def test_an_expected_failure_is_strict(runs):
    code, stdout = runs["expected"]
    assert code == 1
    assert "[XPASS(strict)] not yet" in stdout


def test_without_a_test_file_the_plugin_collects_a_distribution(runs):
    code, stdout = runs["without a file"]
    assert code == 1
    assert "corenet-wrong::wrong-module.input_gradient" in stdout
    assert "sign" in stdout
    assert "Traceback" not in stdout


def test_a_distribution_that_is_not_there_is_a_usage_error(runs):
    code, stdout = runs["misspelt"]
    assert code != 0
    assert "did you mean 'corenet-square'" in stdout


def test_it_is_never_loaded_into_other_peoples_test_runs(runs):
    code, stdout = runs["not loaded"]
    assert code == 0
    assert "corenet.testing.pytest_plugin" not in stdout
