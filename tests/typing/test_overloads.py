"""The types that users see are the ones that are promised."""

import subprocess
import sys
from pathlib import Path

import pytest

# What torch is does not matter here, and to read all of it takes most of a minute.
SETTINGS = """
[mypy]
strict = true
[mypy-torch.*,numpy.*]
follow_imports = skip
[mypy-corenet.*]
ignore_errors = true
"""


def test_mypy_agrees_with_what_get_promises(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "mypy.ini").write_text(SETTINGS, encoding="utf-8")
    file = Path(__file__).with_name("get_overloads.py")
    # Far from the tree, so that it is the installed corenet and its py.typed that are read.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(file)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
