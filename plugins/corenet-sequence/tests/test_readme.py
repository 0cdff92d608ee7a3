"""The example of the README runs, and learns to add."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_example_runs_and_learns_to_add() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
            exec(block, {})
    first, last, *sums = map(float, re.findall(r"\d+\.\d+", printed.getvalue()))
    assert last < first / 20
    assert sums == pytest.approx([19, 10], abs=1.5)
