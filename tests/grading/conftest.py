import pytest

from corenet.grading.grade import grade
from corenet.scaffold.assignment import assignment_files


@pytest.fixture
def graded(tmp_path):
    """Grade a layer's solution after some replacements, or another text in its place."""

    def graded(layers, style, *edits, text=None):
        files = assignment_files("homework", layers.split(","), style)
        folder = tmp_path / "homework"
        folder.mkdir(exist_ok=True)
        (folder / "assignment.toml").write_text(files["assignment.toml"])
        text = files["solution.py"] if text is None else text
        for old, new in edits:
            assert old in text, f"{old!r} is not in the solution of {layers}"
            text = text.replace(old, new)
        count = len(list(tmp_path.glob("*.py")))
        submission = tmp_path / f"student_{count}.py"
        submission.write_text(text)
        return grade(folder, submission).to_dict()

    return graded


@pytest.fixture
def lost(graded):
    """Return, by check, the misconception and the line of what was lost."""

    def lost(*arguments, **options):
        checks = [check for layer in graded(*arguments, **options)["layers"] for check in layer["checks"]]
        return {
            check["id"].partition(".")[2]: (check["misconception"], check["line"])
            for check in checks
            if not check["passed"]
        }

    return lost
