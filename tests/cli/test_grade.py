"""``corenet grade``: a class in which some are right, some wrong, and some do harm."""

import csv
import json
import time

import pytest

ASSIGNMENT = """
layers = ["relu", "tanh"]
style = "numpy"
seconds = 4.0
memory = 512
"""
RIGHT = """
import numpy as np


def relu_forward(input):
    return np.maximum(input, 0), input


def relu_backward(grad_output, cache):
    return grad_output * (cache > 0)


def tanh_forward(input):
    return np.tanh(input), np.tanh(input)


def tanh_backward(grad_output, cache):
    return grad_output * (1 - cache**2)
"""
FULL = 9.0  # points
SLOPE = "return grad_output * (cache > 0)"
HARMFUL = {  # by what is told of each; at the import, or in the backward of ReLU
    "loops": ("while True: pass", "took longer than 4 s"),
    "exits": ("import os; os._exit(0)", "ended Python with exit code 0"),
    "crashes": ("import os; os.abort()", "crashed Python: "),
    "fills": ("x = np.ones(10**10)", "MemoryError"),
    "forks": ("import os\nwhile True: os.fork()", "a submission may not start a process"),
    "calls": ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "a submission may not reach the network"),
    "deletes": ("import os\nos.remove({others!r})", "a submission may not write or change "),
    "copies": ("exec(open({others!r}).read())", "a submission may not read "),
    "peeks": ("open({assignment!r}).read()", "a submission may not read "),
    "prints": ("print('{{\"points\": 100}}' * 1000, flush=True)", ""),
}


def write(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")


@pytest.fixture
def assignment(tmp_path):
    folder = tmp_path / "hw1"
    folder.mkdir()
    (folder / "assignment.toml").write_text(ASSIGNMENT, encoding="utf-8")
    return folder


@pytest.fixture
def handed_in(tmp_path):
    folder = tmp_path / "handed-in"
    folder.mkdir()
    return folder


@pytest.fixture
def small_class(handed_in):
    write(handed_in, alice=RIGHT, bob=RIGHT.replace("1 - cache**2", "1 + cache**2"))
    (handed_in / "carol").mkdir()
    write(handed_in / "carol", homework=RIGHT.replace(SLOPE, "return cache > 0"))
    (handed_in / "dave").mkdir()
    return handed_in


def test_a_class_is_graded_shown_and_written(call, small_class, assignment, tmp_path):
    before = sorted(tmp_path.rglob("*.py"))
    formats = [part for each in ("gradescope", "otter", "nbgrader") for part in ("--format", each)]
    code, stdout, stderr = call(
        "grade", small_class, "--assignment", assignment, "--out", "out", "--csv", "new/grades.csv", *formats
    )
    assert (code, stderr) == (0, "")
    assert stdout.startswith("4 submissions: ")
    assert "       1  a wrong sign                   tanh\n" in stdout
    assert "       1  the upstream gradient ignored  relu\n" in stdout
    assert "dave                     0  has no .py file\n" in stdout
    assert stdout.endswith("\na page for each student in out/feedback\n")
    with open("new/grades.csv", encoding="utf-8") as file:
        points = {line["student"]: float(line["points"]) for line in csv.DictReader(file)}
    assert points["alice"] == FULL
    assert points["dave"] == 0
    assert 0 < points["bob"] < FULL
    page = (tmp_path / "out" / "feedback" / "bob.html").read_text(encoding="utf-8")
    assert "a wrong sign" in page
    assert "1 + cache**2" in page
    assert "1 - cache**2" not in page
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert [each["student"] for each in results["submissions"]] == ["alice", "bob", "carol", "dave"]
    assert results["assignment"] == "hw1"
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert {"gradescope/alice/results.json", "otter/final_grades.csv", "nbgrader/grades.csv"} <= written
    assert sorted(tmp_path.rglob("*.py")) == before


def test_whoever_does_harm_is_a_row_with_the_reason_and_costs_no_other_a_point(call, handed_in, assignment):
    write(handed_in, alice=RIGHT, zoe=RIGHT)
    places = {"others": str(handed_in / "alice.py"), "assignment": str(assignment / "assignment.toml")}
    for name, (code, _) in HARMFUL.items():
        write(handed_in, **{f"{name}_at_once": RIGHT + code.format(**places)})
    begin = time.monotonic()
    code, stdout, _ = call("grade", handed_in, "--assignment", assignment, "--json")
    assert code == 0
    assert time.monotonic() - begin < 120
    rows = {row["student"]: row for row in json.loads(stdout)["submissions"]}
    assert [rows[name]["points"] for name in ("alice", "zoe", "prints_at_once")] == [FULL] * 3
    for name, (_, reason) in HARMFUL.items():
        if reason:
            assert reason in rows[f"{name}_at_once"]["error"]
            assert rows[f"{name}_at_once"]["points"] == 0
    assert (handed_in / "alice.py").read_text(encoding="utf-8") == RIGHT


def test_a_layer_that_comes_to_no_end_costs_its_own_points_alone(call, handed_in, assignment):
    for name in ("loops", "exits"):
        write(handed_in, **{name: RIGHT.replace(SLOPE, HARMFUL[name][0])})
    code, stdout, _ = call("grade", handed_in, "--assignment", assignment, "--json")
    assert code == 0
    for row in json.loads(stdout)["submissions"]:
        assert row["error"] == f"relu: {HARMFUL[row['student']][1]}"
        assert {layer["layer"]: layer["points"] for layer in row["layers"]} == {"relu": 0.0, "tanh": 5.0}
        assert row["points"] == 5.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing", "--assignment", "hw1"], "corenet: no submissions in missing: No such file or directory; give"),
        (["hw1", "--assignment", "hw1"], "corenet: no submissions in hw1: a .py file of each student, or a folder"),
        (["handed-in", "--assignment", "missing"], "corenet: there is no missing/assignment.toml; corenet new-assig"),
        (["handed-in"], "corenet: Missing option '--assignment'"),
        (["handed-in", "--assignment", "hw1", "--format", "otter"], "corenet: --format otter is written to a folder"),
        (["handed-in", "--assignment", "hw1", "--format", "excel"], "corenet: Invalid value for '--format': 'excel'"),
        (["handed-in", "--assignment", "hw1", "--csv", "hw1/assignment.toml/x.csv"], "corenet: cannot write to hw1/as"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call, small_class, assignment, arguments, message):
    code, stdout, stderr = call("grade", *arguments)
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith(message)
