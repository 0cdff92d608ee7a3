"""``corenet new-assignment``: a folder that grades its own solution."""

import pytest

from corenet.grading.grade import grade


def test_it_writes_a_folder_whose_solution_gets_all_points(call, tmp_path):
    result = call("new-assignment", "homework", "--layers", "linear, mse", "--style", "numpy")
    assert result.code == 0
    assert "wrote homework: linear, mse, in the numpy style" in result.stdout
    assert "corenet grade SUBMISSIONS --assignment homework" in result.stdout
    graded = grade(tmp_path / "homework", tmp_path / "homework" / "solution.py").to_dict()
    assert graded["points"] == graded["out_of"] == 12.0


def test_out_is_the_folder_and_gives_the_name(call, tmp_path):
    assert call("new-assignment", "homework", "--layers", "relu", "--out", "week 1").code == 0
    assert (tmp_path / "week 1" / "handout" / "README.md").read_text().startswith("# week 1\n")
    assert "class ReLU" in (tmp_path / "week 1" / "solution.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "rleu"], "there is no textbook layer 'rleu' (did you mean 'relu'?)"),
        (["--layers", ","], "layers is [], and must be a list of names"),
        ([], "Missing option '--layers'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(call, arguments, message):
    result = call("new-assignment", "homework", *arguments)
    assert result.code == 2
    assert message in " ".join(result.stderr.split())


def test_a_folder_with_something_in_it_is_left_alone(call, tmp_path):
    (tmp_path / "homework").mkdir()
    (tmp_path / "homework" / "mine.txt").write_text("1")
    result = call("new-assignment", "homework", "--layers", "relu")
    assert (result.code, [path.name for path in (tmp_path / "homework").iterdir()]) == (2, ["mine.txt"])
