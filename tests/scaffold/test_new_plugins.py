"""What is written, used as its author would: installed by pip, in a virtual environment of its own."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from corenet.scaffold.names import SUMMARIES, names_for
from corenet.scaffold.render import render, write_folder

# The longest names too: they are where the layout of the code would break.
PLUGINS = {"corenet-gate": "module", "x" * 40: "loss", "fancy-lion": "optimizer"}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A plugin of each kind, and a virtual environment that has them installed and sees the packages of this one."""
    pytest.importorskip("pip", reason="installs with pip")
    pytest.importorskip("hatchling", reason="builds with hatchling, which is in the extra test")
    folder = tmp_path_factory.mktemp("workplace")
    for name, kind in PLUGINS.items():
        write_folder(folder / name, render(names_for(name, kind)))
    venv.create(folder / "venv", symlinks=os.name != "nt")
    config = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    below = Path(sysconfig.get_path("purelib", "venv", vars=config), "below.pth")
    below.write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8")
    python = Path(sysconfig.get_path("scripts", "venv", vars=config), "python")
    sources = [folder / name for name in PLUGINS]
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]
    run(folder, sys.executable, "-m", "pip", "--python", python, "install", *options, *sources)
    return folder, python


def run(folder, *command, expected=0):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


def test_what_is_written_is_listed(workplace):
    folder, python = workplace
    rows = json.loads(run(folder, python, "-m", "corenet", "list-components", "--json"))["components"]
    found = {row["distribution"]: (row["name"], row["kind"], row["status"], row["summary"]) for row in rows}
    assert found["corenet-gate"] == ("gate", "module", "declared", SUMMARIES["module"])
    assert found["x" * 40] == ("x" * 40, "loss", "declared", SUMMARIES["loss"])
    assert found["fancy-lion"] == ("fancy_lion", "optimizer", "declared", SUMMARIES["optimizer"])


def test_what_is_written_passes_its_own_tests(workplace):
    folder, python = workplace
    # In one process, for torch takes long to import; the settings of the three differ in nothing but "testpaths".
    settings = ["-q", "-p", "no:cacheprovider", "-c", folder / "corenet-gate" / "pyproject.toml"]
    places = [folder / name / part for name in PLUGINS for part in ("tests", name.replace("-", "_"))]
    stdout = run(folder, python, "-m", "pytest", *settings, *places)
    assert " passed" in stdout


def test_what_is_written_is_proven_and_a_flipped_sign_is_found_and_called_by_its_name(workplace):
    folder, python = workplace
    find = "import importlib.util; print(importlib.util.find_spec('corenet_gate').origin)"
    source = Path(run(folder, python, "-c", find).strip())
    right = source.read_text(encoding="utf-8")
    wrong = right.replace("return grad_output * slope", "return -grad_output * slope")
    assert wrong != right
    source.write_text(wrong, encoding="utf-8")
    try:  # as it was written, its own tests above have verified it
        stdout = run(folder, python, "-m", "corenet", "check", *PLUGINS, expected=1)
    finally:
        source.write_text(right, encoding="utf-8")
    verdicts = [line.split()[:2] for line in stdout.splitlines() if not line.startswith(" ")]
    assert verdicts == [["WRONG", "module"], ["ok", "loss"], ["ok", "optimizer"]]
    assert "sign" in stdout


@pytest.mark.parametrize("name", PLUGINS)
def test_what_is_written_is_tidy(workplace, name):
    ruff = shutil.which("ruff", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]))
    if ruff is None:
        pytest.skip("ruff is not installed")
    folder, _ = workplace
    run(folder / name, ruff, "check", "--no-cache", ".")
    run(folder / name, ruff, "format", "--no-cache", "--check", ".")


@pytest.mark.parametrize("name", PLUGINS)
def test_what_is_written_says_who_it_is(workplace, name):
    project = tomllib.loads((workplace[0] / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["name"], project["dependencies"]) == (name, ["corenet>=0.1,<1"])
    assert list(project["entry-points"]) == [f"corenet.{PLUGINS[name]}{'e' * (PLUGINS[name] == 'loss')}s"]
