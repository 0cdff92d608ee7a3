"""The files of a new assignment: the stub gives nothing away, the solution is right, the words are there."""

import ast
import tomllib

import pytest

from corenet.errors import ConfigError
from corenet.grading.assignment import read_assignment, usual
from corenet.grading.layers import NAMES, layer
from corenet.grading.textbook import STYLES
from corenet.scaffold.assignment import assignment_files

PLACES = ["README.md", "assignment.toml", "handout/README.md", "handout/stub.py", "solution.py"]


@pytest.fixture(scope="module", params=STYLES)
def files(request):
    return request.param, assignment_files("homework-1", NAMES, request.param)


def functions(text):
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]


def test_there_are_five_files(files):
    assert sorted(files[1]) == PLACES


def test_the_stub_has_the_functions_and_no_body(files):
    _, texts = files
    stub, solution = functions(texts["handout/stub.py"]), functions(texts["solution.py"])
    assert [node.name for node in stub] == [node.name for node in solution]
    written = [node for node in stub if node.name.endswith(("forward", "backward"))]
    assert len(written) == 2 * len(NAMES)
    for node in written:
        assert ast.get_docstring(node)
        assert [ast.unparse(each) for each in node.body[1:]] == ["raise NotImplementedError('write this')"]


def test_the_handout_has_no_comment_of_the_solution(files):
    _, texts = files
    assert "#" in texts["solution.py"]
    assert "#" not in texts["handout/stub.py"]


def test_the_students_are_told_formulas_rules_and_points(files):
    style, texts = files
    text = texts["handout/README.md"]
    assert all(layer(name).formula in text for name in NAMES)
    assert "**linear** (9 points)" in text if style == "module" else "**linear** (8 points)" in text
    assert "$" not in text
    assert ("self.saved()" in text) is (style == "module")


def test_the_file_is_the_usual_assignment(files, tmp_path):
    style, texts = files
    (tmp_path / "assignment.toml").write_text(texts["assignment.toml"])
    assert read_assignment(tmp_path) == usual(NAMES, style)
    assert list(tomllib.loads(texts["assignment.toml"])["points"]) == list(NAMES)


def test_the_functions_of_a_single_layer_are_forward_and_backward():
    alone = assignment_files("homework", ["tanh"], "numpy")
    assert [node.name for node in functions(alone["solution.py"])] == ["forward", "backward"]
    assert "`forward`, `backward`" in alone["handout/README.md"]
    two = assignment_files("homework", ["tanh", "relu"], "numpy")
    assert [node.name for node in functions(two["handout/stub.py"])][:2] == ["tanh_forward", "tanh_backward"]


@pytest.mark.parametrize("names", [[], ["tanh", "tanh"], ["cosine"]])
def test_layers_that_cannot_be_are_refused(names):
    with pytest.raises(ConfigError):
        assignment_files("homework", names, "numpy")
