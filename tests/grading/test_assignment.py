"""The file of an assignment, read strictly."""

import pytest

from corenet.errors import ConfigError, OutputError
from corenet.grading.assignment import read_assignment, usual

RIGHT = 'layers = ["relu", "mse"]\nstyle = "numpy"\n'


def read(tmp_path, text):
    (tmp_path / "assignment.toml").write_text(text)
    return read_assignment(tmp_path)


def test_what_is_left_out_is_as_usual(tmp_path):
    assert read(tmp_path, RIGHT) == usual(["relu", "mse"], "numpy")
    assert (read(tmp_path, RIGHT).seconds, read(tmp_path, RIGHT).memory) == (10.0, 2048)


def test_a_check_that_is_left_out_is_not_made(tmp_path):
    assignment = read(tmp_path, RIGHT + "seconds = 3\nmemory = 512\n[points.relu]\nforward = 4\n")
    assert assignment.points["relu"] == {"forward": 4.0}
    assert assignment.points["mse"] == {"forward": 1.0, "input_gradient": 2.0, "calls": 1.0}
    assert (assignment.seconds, assignment.memory) == (3.0, 512)


def test_points_of_an_assignment_are_those_that_are_given(graded, tmp_path):
    from corenet.grading.grade import grade

    graded("relu", "numpy")
    (tmp_path / "homework" / "assignment.toml").write_text(
        'layers = ["relu"]\nstyle = "numpy"\n[points.relu]\ninput_gradient = 7.5\n'
    )
    result = grade(tmp_path / "homework", tmp_path / "student_0.py").to_dict()
    assert (result["points"], result["out_of"]) == (7.5, 7.5)
    assert [check["id"] for check in result["layers"][0]["checks"]] == ["relu.input_gradient"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layers = [", "not a TOML file"),
        ('layers = ["rleu"]\nstyle = "numpy"', r"there is no textbook layer 'rleu' \(did you mean 'relu'\?\)"),
        ('layers = ["relu", "relu"]\nstyle = "numpy"', "the layer 'relu' is named twice"),
        ('layers = []\nstyle = "numpy"', "layers is .*must be a list of names"),
        ('layers = "relu"\nstyle = "numpy"', "layers is 'relu', and must be a list of names"),
        ('layers = ["relu"]\nstyle = "jax"', "style is 'jax', and must be 'module' or 'numpy'"),
        ('layers = ["relu"]', "style is None"),
        (RIGHT + "second = 3", r"there is no entry 'second' \(did you mean 'seconds'\?\)"),
        (RIGHT + "seconds = 0", "seconds is 0, and must be a number above 0"),
        (RIGHT + "seconds = true", "seconds is True"),
        (RIGHT + "memory = 100", "memory is 100, and must be an integer of MiB, 256 or more"),
        (RIGHT + "schema = 2", "schema is 2, and must be 1"),
        (RIGHT + "points = 3", "points is 3, and must be a table"),
        (RIGHT + "[points.tanh]", "there is no layer 'tanh'; there are relu, mse"),
        (RIGHT + "[points.relu]\nfoward = 1", r"there is no check of relu 'foward' \(did you mean 'forward'\?\)"),
        (RIGHT + "[points.relu]\nforward = -1", "points.relu.forward is -1, and must be a number, 0 or more"),
        (RIGHT + "[points.relu]\nforward = nan", "points.relu.forward is nan"),
    ],
)
def test_what_is_wrong_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, text)


def test_a_folder_without_one_says_what_writes_one(tmp_path):
    with pytest.raises(OutputError, match=r"there is no .*assignment\.toml; corenet new-assignment writes one"):
        read_assignment(tmp_path)
