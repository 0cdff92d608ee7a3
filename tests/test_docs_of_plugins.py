"""The page of the plugins that come with corenet names each of their components; its example is one that is tested."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
OFFERING = {path.parents[1] for path in (ROOT / "plugins").glob("corenet-*/corenet_*/components.py")}
FOLDERS = sorted(each for each in OFFERING if each.name != "corenet-example")


def components_of(folder):
    """Return what the hooks of a plugin name beside experiments, without an import of its code."""
    return [each for name, each in announced_by(folder) if name != "corenet_experiments"]


def announced_by(folder):
    """Return what a plugin announces, each with the name of its hook."""
    (path,) = folder.glob("corenet_*/components.py")
    hooks = {name: hook for name, hook in runpy.run_path(str(path)).items() if name.startswith("corenet_")}
    return [(name, each) for name, hook in hooks.items() for each in hook()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_table_of_a_plugin_is_complete(folder):
    table = PAGE.partition(f"<!-- {folder.name}:begin -->\n")[2].partition(f"<!-- {folder.name}:end -->")[0]
    lines = ["| name | class | |", "|---|---|---|"]
    for each in components_of(folder):
        summary = each.summary.replace("|", "\\|")
        lines.append(f"| `{each.name}` | `{each.target.rpartition(':')[2]}` | {summary} |")
    assert len(lines) > 2
    assert table == "\n".join(lines) + "\n"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_experiment_of_a_plugin_is_told_of(folder):
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for each in [each.name for name, each in announced_by(folder) if name == "corenet_experiments"]:
        assert f"| `{each}` | `{folder.name}` |" in PAGE
        assert f"corenet reproduce {each}" in readme


def test_the_readme_names_every_package():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(corenet-\w+)` \|", readme, re.MULTILINE)
    assert sorted(named) == [folder.name for folder in FOLDERS]


@pytest.mark.parametrize(("page", "folder"), [("plugins", "corenet-containers"), ("prove-a-backward", "corenet-torch")])
def test_the_examples_are_those_that_the_readme_of_a_plugin_tests(page, folder):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    readme = (ROOT / "plugins" / folder / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert shown
    assert shown == re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
