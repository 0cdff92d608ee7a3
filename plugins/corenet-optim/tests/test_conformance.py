"""Every component keeps every promise of its contract, and is found by its name."""

import re
import subprocess
import sys
from pathlib import Path

import corenet as cn
import pytest
from corenet.testing import components_of, parametrize_with_checks

import corenet_optim

ROWS = components_of("corenet-optim")


@parametrize_with_checks(ROWS)
def test_conforms(component, check):
    check(component)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_is_found_by_its_name_and_is_the_public_class(row):
    found = cn.get(row.kind, f"corenet-optim:{row.name}")
    assert found is getattr(corenet_optim, found.__name__)
    assert found.__name__.lower() == row.name


def test_every_public_name_is_a_component():
    found = {cn.get(row.kind, f"corenet-optim:{row.name}").__name__ for row in ROWS}
    assert found == set(dir(corenet_optim))
    assert len(ROWS) == len(found)


def test_listing_imports_no_torch():
    code = (
        "import sys, corenet_optim.components as c; "
        "[*c.corenet_optimizers(), *c.corenet_callbacks()]; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_name_of_the_table_in_the_readme_is_a_component():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z0-9_]+)` \|", text, re.MULTILINE) == [row.name for row in ROWS]
