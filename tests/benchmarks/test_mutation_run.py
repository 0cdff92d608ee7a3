"""Mutants of source files: what is changed, and that a test that would see it kills one."""

import ast
import textwrap

import pytest

from benchmarks.mutation_run.edits import edits
from benchmarks.mutation_run.trial import Mutant, Trials

SOURCE = textwrap.dedent('''
    """Not changed: 1 < 2."""
    if TYPE_CHECKING:
        import torch

    def f(a: "int | None", b=1, *, c: float = 0.5):
        """Nor this."""
        if not a and b <= 2:
            raise ValueError(f"{a + b} is less than {1}")
        return -a * b if c else a

    class Fünf:
        factor: int = 5

        def __repr__(self):
            return f"{1 + 1}"
''').encode()


def test_each_change_leaves_a_file_of_another_meaning():
    found = edits(SOURCE)
    changed = {ast.dump(ast.parse(each.applied(SOURCE))) for each in found}
    assert len(changed) == len(found)
    assert ast.dump(ast.parse(SOURCE)) not in changed
    assert {each.old for each in found} >= {"1", "0.5", "5", "b <= 2", "not a", "not a and b <= 2", "-a", "-a * b"}
    assert sum(each.new == "pass" for each in found) == 1  # the raise
    assert not [each for each in found if each.line in (2, 3, 4, 7, 16) or "1 + 1" in each.old]


@pytest.fixture
def tree(tmp_path):
    """Return a tree with a file and its tests, of which one can fail without any change."""
    root, copy = tmp_path / "root", tmp_path / "copy"
    for path, text in {
        "summing/sums.py": "def add(a, b, extra=0):\n    return a + b\n",
        "tests/test_sums.py": "from summing.sums import add\n\ndef test_add():\n    assert add(2, 3) == 5\n",
        "tests/test_wrong.py": "def test_wrong():\n    assert False\n",
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = ['--import-mode=importlib']\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    copy.mkdir()
    return root, copy


def test_a_mutant_is_killed_or_survives_and_the_file_is_as_before(tree, monkeypatch):
    root, folder = tree
    monkeypatch.setattr("benchmarks.mutation_run.trial.COPIED", [each.name for each in root.iterdir()])
    trials, tests = Trials(root, folder), ["tests/test_sums.py"]
    source = (root / "summing/sums.py").read_bytes()
    fate = {each.old: trials.fails(tests, Mutant("summing/sums.py", each)) for each in edits(source)}
    assert fate == {"0": False, "return a + b": True, "a + b": True}
    assert (folder / "tree/summing/sums.py").read_bytes() == source
    with pytest.raises(RuntimeError, match="without any change: tests/test_wrong"):
        trials.fails(["tests/test_wrong.py"], Mutant("summing/sums.py", edits(source)[0]))
