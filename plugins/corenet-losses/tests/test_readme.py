"""The README's code runs, and prints what it shows."""

import doctest
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_python_blocks_run_in_order_and_print_what_they_show():
    text = README.read_text(encoding="utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    assert len(blocks) == 3
    namespace: dict[str, object] = {}
    runner = doctest.DocTestRunner(verbose=False)
    for block in blocks:
        above = text.count("\n", 0, block.start(1))
        if not block[1].startswith(">>>"):
            exec(compile("\n" * above + block[1], str(README), "exec"), namespace)  # errors show the README's line
            continue
        report: list[str] = []
        shown = doctest.DocTestParser().get_doctest(block[1], namespace, "README.md", str(README), above)
        runner.run(shown, out=report.append, clear_globs=False)
        assert not report, "".join(report)
