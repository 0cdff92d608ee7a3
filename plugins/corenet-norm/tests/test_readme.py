"""The example of the README runs, and learns."""

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_runs_and_learns() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
            exec(block, {})
    first, last, right = map(float, re.findall(r"\d\.\d+", printed.getvalue()))
    assert last < 0.7 * first
    assert right > 0.9
