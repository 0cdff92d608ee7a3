"""What all tests share. Torch is imported where it is used only: the start-up gate runs without it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# The benchmarks lie beside the package and are not installed with it; last, so that the installed package is tested.
sys.path.append(str(Path(__file__).parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run side by side, so each keeps to one core

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{name}"
version = "{version}"
dependencies = {dependencies}
[project.entry-points."corenet.modules"]
{component} = "{package}:Layer"
[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""


@pytest.fixture(scope="session")
def builtins():
    """Return the names of the built-in components of each kind, as their plugin announces them."""
    from corenet import builtin

    announced = {
        "module": builtin.corenet_modules(),
        "loss": builtin.corenet_losses(),
        "optimizer": builtin.corenet_optimizers(),
        "schedule": builtin.corenet_schedules(),
        "metric": builtin.corenet_metrics(),
        "callback": builtin.corenet_callbacks(),
        "initializer": builtin.corenet_initializers(),
    }
    names = {kind: [spec.name for spec in specs] for kind, specs in announced.items()}
    assert ("linear" in names["module"], "mse" in names["loss"], "sgd" in names["optimizer"]) == (True, True, True)
    return names


@pytest.fixture(scope="session")
def all_builtins(builtins):
    """Return the names of all built-in components, in the order in which they are listed."""
    return [name for names in builtins.values() for name in names]


@pytest.fixture(autouse=True)
def _seeded():
    """Start every test from the same state of torch's generator."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def plugin_folder(tmp_path, monkeypatch):
    """Write a plugin of one module, and return its folder."""
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # what builds it is at hand
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    def write(name, code, version="1.0", dependencies=("corenet>=0.2",)):
        folder, package = tmp_path / name, name.replace("-", "_")
        (folder / package).mkdir(parents=True)
        text = PYPROJECT.format(
            name=name,
            version=version,
            dependencies=list(dependencies),
            component=name.partition("-")[2],
            package=package,
        )
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
        (folder / package / "__init__.py").write_text(code, encoding="utf-8")
        return folder

    return write
