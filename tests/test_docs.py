"""The documentation tells the truth: its code runs, its links lead somewhere, its reference is complete.

The convention: every ``python`` block of a page runs, in order, in one namespace a page.
A block that begins with ``>>>`` is a doctest, and what it shows is compared (``...`` stands
for anything); any other is just run. Blocks in other languages (``sh``, ``toml``, ``text``) are not.
"""

from __future__ import annotations

import doctest
import re
import tomllib
from collections.abc import Iterator
from fnmatch import filter as filter_names
from fnmatch import fnmatch
from pathlib import Path

import pytest

import corenet
from corenet.registry.registry import registry_under
from corenet.testing.conformance import CHECKS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


NEEDS = {
    "README.md": "sklearn",
    "scikit-learn.md": "sklearn",
    "search.md": "optuna",
}  # the package of an extra, where a page shows it


def blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """Yield ``(lines above it, code)`` for each fenced block in ``language``."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start(1)), match[1]


def run(page: Path) -> None:
    namespace: dict[str, object] = {}
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    for above, code in blocks(page, "python"):
        if code.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(code, namespace, page.name, str(page), above)
            report: list[str] = []
            runner.run(test, out=report.append, clear_globs=False)
            assert not report, "".join(report)
            namespace = test.globs
        else:
            exec(compile("\n" * above + code, str(page), "exec"), namespace)  # so that errors show the page's line


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Have the plugins that the pages write of installed, as far as their names go."""
    for name in ("swish", "scale"):
        info = tmp_path / "site" / f"corenet_{name}-0.1.0.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: corenet-{name}\nVersion: 0.1.0\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[corenet.modules]\n{name} = corenet_{name}:X\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry_under.cache_clear()
    yield
    registry_under.cache_clear()


@every_page
@pytest.mark.usefixtures("plugins")
def test_python_blocks_run_and_print_what_they_show(page, tmp_path, monkeypatch):
    if page.name in NEEDS:
        pytest.importorskip(NEEDS[page.name])
    monkeypatch.chdir(tmp_path)
    run(page)


@every_page
def test_toml_blocks_parse(page):
    for _, code in blocks(page, "toml"):
        tomllib.loads(code)


@every_page
def test_relative_links_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [each for each in targets if "://" not in each and not (page.parent / each).exists()]
    assert missing == []


def test_the_table_of_checks_is_complete():
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    table = page.partition("<!-- checks:begin -->\n")[2].partition("<!-- checks:end -->")[0]
    lines = ["| id | since | promise |", "|---|---|---|"]
    lines += [f"| `{each.id}` | {each.since} | {each.promise} |" for checks in CHECKS.values() for each in checks]
    assert table == "\n".join(lines) + "\n"


def entries_of(folder_map: str) -> Iterator[str]:
    """Yield each path of a map with one line a file, indented by two blanks a folder; it may be a pattern."""
    folders: list[str] = []
    for line in folder_map.splitlines():
        name, depth = line.split()[0], (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [name]
        if not name.endswith("/"):
            yield "".join(folders)


def test_the_map_of_the_folders_names_every_file():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    entries = list(entries_of(page.partition("<!-- map:begin -->\n```text\n")[2].partition("```")[0]))
    paths = [path.relative_to(ROOT).as_posix() for path in (ROOT / "corenet").rglob("*") if path.is_file()]
    files = [path for path in paths if "__pycache__" not in path]
    gone = {entry for entry in entries if not filter_names(files, entry)}
    missing = {path for path in files if not any(fnmatch(path, entry) for entry in entries)}
    missing = {path for path in missing if not path.endswith("/__init__.py")}
    assert {"gone": gone, "missing": missing} == {"gone": set(), "missing": set()}
    assert len(entries) == len(set(entries))


def test_the_reference_has_every_public_name():
    reference = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\.\. auto\w+:: corenet\.(\w+)$", reference, re.MULTILINE))
    assert documented == set(dir(corenet)) - {"__version__"}


def test_a_wrong_output_is_caught(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\n```python\n>>> x + 1\n3\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"(?s)line 6.*Expected:\s+3\s+Got:\s+2"):
        run(page)
