"""The README's code runs, and its table names each check."""

import re
from pathlib import Path

from corenet_torch.check import CLAIMS, FUNCTION_CHECKS

README = Path(__file__).parents[1] / "README.md"


def test_python_blocks_run_in_order():
    text = README.read_text(encoding="utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    assert blocks
    namespace: dict[str, object] = {"__name__": "readme"}
    for block in blocks:
        above = text.count("\n", 0, block.start(1))
        exec(compile("\n" * above + block[1], str(README), "exec"), namespace)  # errors show the README's line


def test_the_table_names_each_check():
    table = (
        README.read_text(encoding="utf-8").partition("<!-- checks:begin -->\n")[2].partition("<!-- checks:end -->")[0]
    )
    lines = ["| id | promise |", "|---|---|", *(f"| `{each.id}` | {each.promise} |" for each in FUNCTION_CHECKS)]
    assert table == "\n".join(lines) + "\n"


def test_the_table_names_each_claim():
    table = (
        README.read_text(encoding="utf-8").partition("<!-- claims:begin -->\n")[2].partition("<!-- claims:end -->")[0]
    )
    lines = ["| `also` | promise |", "|---|---|", *(f"| `{name}` | {each.promise} |" for name, each in CLAIMS.items())]
    assert table == "\n".join(lines) + "\n"
