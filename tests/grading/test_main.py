"""``python -m corenet.grading``: one JSON object, whatever the submission prints or leaves running."""

import json
import subprocess
import sys

import pytest

from corenet.scaffold.assignment import assignment_files

NOISY = """
import atexit, os, sys, threading, time
import numpy as np
print("{}")
sys.stdout.flush()
os.write(1, b"noise")
atexit.register(lambda: os.write(1, b"late"))
threading.Thread(target=lambda: time.sleep(60)).start()

def forward(x):
    print("forward")
    return np.maximum(x, 0), x > 0

def backward(g, mask):
    sys.stdout = sys.__stdout__
    print("backward")
    return g * mask
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "homework").mkdir()
    text = assignment_files("homework", ["relu"], "numpy")["assignment.toml"]
    (tmp_path / "homework" / "assignment.toml").write_text(text)
    return tmp_path


def run(folder, *arguments):
    command = [sys.executable, "-m", "corenet.grading", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def test_stdout_is_the_result_alone(folder):
    (folder / "alice.py").write_text(NOISY)
    done = run(folder, "homework", "alice.py")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["points"] == 4.0
    assert json.loads(done.stdout)["submission"] == "alice.py"


def test_what_is_no_assignment_is_one_line_and_exit_code_2(folder):
    done = run(folder, "missing", "alice.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "corenet: there is no missing/assignment.toml; corenet new-assignment writes one\n"


def test_other_arguments_are_told_the_right_ones(folder):
    done = run(folder, "homework")
    assert (done.returncode, done.stderr) == (2, "usage: python -m corenet.grading ASSIGNMENT SUBMISSION\n")
