"""The page of the plugins that come with corenet names each of their components; its example is one that is tested."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
FOLDERS = sorted(each for each in (ROOT / "plugins").glob("corenet-*") if each.name != "corenet-example")


def components_of(folder):
    """Return what the hooks of a plugin name, without an import of its code."""
    (path,) = folder.glob("corenet_*/components.py")
    hooks = [hook for name, hook in runpy.run_path(str(path)).items() if name.startswith("corenet_")]
    return [component for hook in hooks for component in hook()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_table_of_a_plugin_is_complete(folder):
    table = PAGE.partition(f"<!-- {folder.name}:begin -->\n")[2].partition(f"<!-- {folder.name}:end -->")[0]
    lines = ["| name | class | |", "|---|---|---|"]
    for each in components_of(folder):
        summary = each.summary.replace("|", "\\|")
        lines.append(f"| `{each.name}` | `{each.target.rpartition(':')[2]}` | {summary} |")
    assert len(lines) > 2
    assert table == "\n".join(lines) + "\n"


def test_the_readme_names_every_package():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(corenet-\w+)` \|", readme, re.MULTILINE)
    assert sorted(named) == [folder.name for folder in FOLDERS]


def test_the_example_is_the_one_that_the_readme_of_containers_tests():
    readme = (ROOT / "plugins" / "corenet-containers" / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert shown == re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
