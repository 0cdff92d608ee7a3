"""The corpus of the grader: right solutions that look otherwise keep all points, mutants are mutants and are named."""

import re
from pathlib import Path

import pytest

pytest.importorskip("benchmarks.grading.mutants")

from benchmarks.grading.mutants import Mutant, mutants_of
from benchmarks.grading.named import NAMES, Verdict, verdict_on
from benchmarks.grading.same import is_same
from benchmarks.mutants.edits import Edit
from corenet.grading.classroom.row import Layer, Row
from corenet.grading.grade import grade
from corenet.grading.layers import layer
from corenet.grading.result import CheckResult
from corenet.scaffold.assignment import assignment_files, solution_of
from corenet.scaffold.render import write_folder

RIGHT = Path(__file__).parents[2] / "benchmarks" / "grading" / "right"
LAYERS = ("linear", "relu", "sigmoid", "tanh", "softmax", "mse", "cross_entropy", "layernorm", "batchnorm", "dropout")


@pytest.mark.parametrize("path", sorted(RIGHT.glob("*.py")), ids=lambda path: path.stem)
def test_right_solutions_keep_all_points(path, tmp_path):
    write_folder(tmp_path / "hw", assignment_files("hw", LAYERS, path.stem.partition("_")[0]))
    result = grade(tmp_path / "hw", path).to_dict()
    failed = [check for each in result["layers"] for check in each["checks"] if not check["passed"]]
    assert (failed, result["error"]) == ([], None)
    assert len(result["layers"]) == len(LAYERS)


def test_there_are_fifty_of_them():
    assert len(sorted(RIGHT.glob("*.py"))) * len(LAYERS) == 50


def test_a_mutant_differs_from_the_solution_in_one_statement():
    right = solution_of([layer("tanh")], "numpy")
    mutants = mutants_of("tanh", "numpy", right)
    assert len({each.text for each in mutants}) == len(mutants) > 5
    for mutant in mutants:
        pairs = zip(right.splitlines(), mutant.text.splitlines(), strict=True)
        changed = [number for number, (old, new) in enumerate(pairs, 1) if old != new]
        assert changed == [mutant.edit.first]


def test_a_sample_of_each_layer_is_drawn_the_same_each_time():
    right = solution_of([layer("softmax")], "module")
    names = [each.name for each in mutants_of("softmax", "module", right)]
    assert names == [each.name for each in mutants_of("softmax", "module", right)]
    assert all(re.fullmatch(r"softmax_module_\d+_\w+", name) for name in names)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [("1 - output**2", "1 - output * output", True), ("1 - output**2", "1 - output", False)],
)
def test_what_computes_the_same_is_told_from_what_does_not(old, new, same):
    text = solution_of([layer("tanh")], "numpy").replace(old, new)
    assert is_same(Mutant("tanh", "numpy", Edit("factor", 1, 1, new), text), "numpy") is same


def row(**failed):
    checks = (CheckResult("x.a", "a", 1.0, 1.0, True), CheckResult("x.b", "b", 0.0, 1.0, False, **failed))
    return Row("s", "s.py", 1.0, 2.0, None, (Layer("x", 1.0, 2.0, checks),))


def test_a_mutant_is_named_by_its_kind_or_by_its_line():
    mutant = Mutant("tanh", "numpy", Edit("sign", 12, 13, "x"), "")

    def named(**failed):
        verdict = verdict_on(mutant, row(**failed))
        return verdict.caught, verdict.by_name, verdict.by_line, verdict.named

    assert named(misconception="wrong_sign", line=3) == (True, True, False, True)
    assert named(misconception="wrong_axis", line=13) == (True, False, True, True)
    assert named(misconception="wrong_axis", line=14) == (True, False, False, False)
    assert named(misconception=None, line=None) == (True, False, False, False)


def test_a_mutant_that_keeps_its_points_is_not_caught():
    mutant = Mutant("tanh", "numpy", Edit("sign", 1, 1, "x"), "")
    assert verdict_on(mutant, Row("s", "s.py", 1.0, 1.0)) == Verdict(mutant, False)
    assert verdict_on(mutant, Row("s", "s.py", 0.0, 1.0, "took longer than 10 s")).caught


def test_every_kind_of_change_has_names_that_exist():
    from corenet.grading.misconceptions import MISCONCEPTIONS

    assert {name for names in NAMES.values() for name in names} <= set(MISCONCEPTIONS)
