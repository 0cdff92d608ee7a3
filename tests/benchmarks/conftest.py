"""The benchmarks lie beside the package and are not installed with it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pytest_ignore_collect(collection_path):
    return True if not (ROOT / "benchmarks").is_dir() else None


sys.path.insert(0, str(ROOT))


@pytest.fixture
def settings():
    """The seeds' network, for twenty steps."""
    from benchmarks.problem import Settings

    return Settings(epochs=2)
