"""What the tests of searches share: a small experiment, searches of it, and a database server."""

import os
import subprocess
import sys
from contextlib import ExitStack
from uuid import uuid4

import pytest

LINE = """
data = { draw = "sine", points = 40 }
network = { modules = [["linear", 1, 8], ["tanh"], ["linear", 8, 1]] }
loss = "mse"
epochs = 8
batch_size = 20
optimizer = { name = "sgd", lr = 0.1 }
"""
PARAM = "optimizer.lr=log:1e-4:1e-1"


@pytest.fixture
def line(tmp_path):
    path = tmp_path / "line.toml"
    path.write_text(LINE, encoding="utf-8")
    return str(path)


@pytest.fixture
def search(line, tmp_path):
    """Return what makes a search of it."""
    from corenet.search.space import space
    from corenet.search.sweep import Search
    from corenet.search.trial import Objective

    def make(trials=6, params=(PARAM,), metric="loss", storage=None, seed=0):
        asked = Objective(line, (), space(params), metric)
        return Search(asked, storage or str(tmp_path / "journal.log"), "line", trials, seed)

    return make


@pytest.fixture
def worker(line, tmp_path):
    """Return what starts ``corenet sweep`` in a process of its own; those left at the end are killed."""
    started = []

    def start(storage, trials, *options):
        command = [sys.executable, "-m", "corenet", "sweep", line, "--param", PARAM, "--trials", str(trials)]
        command += ["--storage", storage, "--out", str(tmp_path / f"out{len(started)}"), "--quiet", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def server():
    """Return a PostgreSQL server of the tests' own."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    from benchmarks import postgresql

    with ExitStack() as stack:
        try:
            running = stack.enter_context(postgresql.server())
        except postgresql.NoServerError as error:
            pytest.skip(str(error))
        yield running


@pytest.fixture(params=["journal", "postgresql"])
def storage(request, tmp_path):
    """Return an empty storage of each kind."""
    if request.param == "journal":
        return str(tmp_path / "journal.log")
    return request.getfixturevalue("server").url(f"s{uuid4().hex}")
