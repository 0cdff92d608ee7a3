"""What is missing is said in one line; what needs no reader works without."""

import subprocess
import sys

import pytest

import corenet as cn
from corenet.tables import bundled


def run(code, hidden):
    hide = f"import sys; sys.modules[{hidden!r}] = None\n"
    return subprocess.run([sys.executable, "-c", hide + code], capture_output=True, encoding="utf-8", check=False)


def test_without_polars_a_table_says_what_to_install():
    done = run("import corenet as cn\ncn.table({'x': [1, 2], 'y': [1, 2]}, 'y')", hidden="polars")
    last = done.stderr.strip().splitlines()[-1]
    assert last == "corenet.errors.MissingExtraError: tables are read by polars; run: pip install 'corenet[table]'"


def test_without_polars_a_saved_coding_is_read_and_gives_labels():
    saved = cn.table({"x": [1.0, 2, 4, 3], "y": ["a", "b", "b", "a"]}, "y").coding.to_dict()
    code = f"""
import torch
from corenet.tables.coding import TableCoding
coding = TableCoding.from_dict({saved!r})
print(coding.labels(torch.tensor([[0.0, 1.0], [3.0, 1.0]])), coding.names)
"""
    done = run(code, hidden="polars")
    assert (done.stdout.strip(), done.returncode) == ("['b', 'a'] ['x']", 0)


def test_without_scikit_learn_its_sets_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(cn.MissingExtraError, match="'wine' comes with scikit-learn; run: pip install 'corenet"):
        bundled.bundled("wine")
