"""The benchmarks lie beside the package and are not installed with it."""

import json
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pytest_ignore_collect(collection_path):
    return True if not (ROOT / "benchmarks").is_dir() else None


@pytest.fixture
def in_process(monkeypatch):
    """Run contestants in this process, where torch is imported: in these tests the protocol is not what is tried."""
    from benchmarks import process, race, reference
    from benchmarks.contestant import Server

    class Inside(process.Process):
        def __init__(self, name, threads, device="cpu"):
            self.name, self.import_seconds = name, 1.0
            try:
                self._server = Server(import_module(f"benchmarks.contestants.{name}"))
            except ImportError as error:
                raise process.MissingLibraryError(str(error)) from error

        def _ask(self, method, *arguments):
            return json.loads(json.dumps(getattr(self._server, method)(*arguments)))

        def __exit__(self, *_):
            pass

    for module in (race, reference):
        monkeypatch.setattr(module, "Process", Inside)


@pytest.fixture
def settings():
    """The student projects' network, for twenty steps."""
    from benchmarks.problem import Settings

    return Settings(epochs=2)
