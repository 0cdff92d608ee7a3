"""The kit as tests of pytest's, in a real run of it: with a test file, and without."""

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
    def forward(self, input):
        self.save(input)
        return input ** 2

    def backward(self, grad_output):
        (input,) = self.saved()
        return {sign}2 * input * grad_output
"""
TESTS = """
from corenet.testing import components_of, parametrize_with_checks

@parametrize_with_checks(components_of("corenet-square"), expected_failures={expected})
def test_conforms(component, check):
    check(component)
"""
METADATA = "Metadata-Version: 2.1\nName: corenet-square\nVersion: 1.0\n"


@pytest.fixture
def pytest_on(tmp_path):
    """Run pytest on a plugin with one module: ``pytest_on(sign="-")``."""

    def run(*arguments, sign="", expected=None):
        info = tmp_path / "corenet_square-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(METADATA, encoding="utf-8")
        (info / "entry_points.txt").write_text("[corenet.modules]\nsquare = square_code:Square\n", encoding="utf-8")
        (tmp_path / "square_code.py").write_text(CODE.format(sign=sign), encoding="utf-8")
        (tmp_path / "test_square.py").write_text(TESTS.format(expected=expected), encoding="utf-8")
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--rootdir", tmp_path, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_each_check_of_each_component_is_a_test(builtins):
    mark = parametrize_with_checks(components_of("corenet"))
    names = [parameter.id for parameter in mark.args[1]]
    assert "linear-module.input_gradient" in names
    assert len(names) == sum(len(builtins[kind]) * len(CHECKS[kind]) for kind in builtins)


def test_a_class_is_taken_too_and_what_is_neither_is_refused():
    mark = parametrize_with_checks([cn.Tanh])
    first = mark.args[1][0]
    assert first.id == "Tanh-module.runs"
    component, check = first.values
    check(component)
    with pytest.raises(cn.ConfigError, match="takes a class"):
        parametrize_with_checks([cn.Tanh()])


def test_a_right_plugin_passes(pytest_on):
    code, stdout = pytest_on("test_square.py")
    assert code == 0, stdout
    assert f"{len(CHECKS['module']) - 2} passed, 2 skipped" in stdout  # it has no parameters


def test_a_wrong_plugin_fails_where_it_is_wrong(pytest_on):
    code, stdout = pytest_on("test_square.py", sign="-")
    assert code == 1
    assert "FAILED test_square.py::test_conforms[square-module.input_gradient]" in stdout
    assert "module.batch_of_one] - " not in stdout
    assert "sign" in stdout


def test_an_expected_failure_is_strict(pytest_on):
    code, stdout = pytest_on("test_square.py", "-rx", expected={"module.strides": "not yet"})
    assert code == 1
    assert "[XPASS(strict)] not yet" in stdout


def test_without_a_test_file_the_plugin_collects_a_distribution(pytest_on):
    arguments = ("-p", "corenet.testing.pytest_plugin", "--corenet", "corenet-square", "--ignore", "test_square.py")
    code, stdout = pytest_on(*arguments, sign="-")
    assert code == 1
    assert "corenet-square::square-module.input_gradient" in stdout
    assert "sign" in stdout
    assert "Traceback" not in stdout


def test_a_distribution_that_is_not_there_is_a_usage_error(pytest_on):
    code, stdout = pytest_on("-p", "corenet.testing.pytest_plugin", "--corenet", "corenet-sqare")
    assert code != 0
    assert "did you mean 'corenet-square'" in stdout


def test_it_is_never_loaded_into_other_peoples_test_runs(pytest_on):
    code, stdout = pytest_on("--trace-config", "test_square.py", "-k", "strides")
    assert code == 0
    assert "corenet.testing.pytest_plugin" not in stdout
