"""``corenet train --workers``: rounds that processes share are those of one, and go on where they were stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import corenet as cn

pytest.importorskip("polars")

SHORT = ("--set", "engine=plain", "--set", "network.dropout=0.2", "--rounds", "3", "--quiet")


def metrics(run):
    return json.loads((run / "results.json").read_text(encoding="utf-8"))["metrics"]


def weights(run):
    return [cn.load_state(run / f"round-{number}" / "model.safetensors") for number in (1, 2, 3)]


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_they_are_the_rounds_of_one_process(call, tmp_path):
    for out, *workers in (("one",), ("two", "--workers", "2")):
        code, _, stderr = call("train", "moons", "--epochs", "4", *SHORT, "--out", out, *workers)
        assert (code, stderr) == (0, "")
    assert metrics(tmp_path / "two") == metrics(tmp_path / "one")
    for one, two in zip(weights(tmp_path / "one"), weights(tmp_path / "two"), strict=True):
        torch.testing.assert_close(two, one, rtol=0, atol=0)


def test_one_round_is_not_shared(call, tmp_path):
    code, _, stderr = call("train", "moons", "--workers", "2", "--out", "run")
    assert (code, stderr) == (2, "corenet: workers share rounds, and there is one; say rounds=2, or workers=1\n")
    assert not (tmp_path / "run").exists()


def test_ranks_and_workers_do_not_mix(call, monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    code, _, stderr = call("train", "moons", "--rounds", "2", "--workers", "2")
    assert (code, stderr.count("\n")) == (2, 1)
    assert "torchrun shares out each training, --workers whole ones; leave one of them out" in stderr


@pytest.fixture
def running(tmp_path):
    """Start a training by two workers, and return it when both are at work."""
    out = tmp_path / "there"
    command = [sys.executable, "-m", "corenet", "train", "moons", "--epochs", "400", *SHORT, "--out", out]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    process = subprocess.Popen([*command, "--workers", "2"], env=environment, **pipes)
    deadline = time.monotonic() + 120
    while not all((out / f"round-{number}" / "history.jsonl").is_file() for number in (1, 2)):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process, out
    process.kill()
    process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for the worker in /proc")
def test_a_worker_that_is_killed_is_one_line_that_says_how_to_go_on(running):
    process, out = running
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
    worker = next(each for each in children if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes())
    os.kill(int(worker), signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stderr.startswith("corenet: a worker was ended by SIGKILL before it was done; ")
    assert stderr.endswith(f"; corenet resume {out} goes on\n")
    assert stderr.count("\n") == 1


@pytest.mark.usefixtures("one_thread")
def test_they_go_on_where_ctrl_c_stopped_them(call, running, tmp_path):
    process, out = running
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    how = f"corenet resume {out} goes on"
    assert stderr.strip() == f"corenet: stopped; {out} keeps the best model and the history: {how}"
    assert not (out / "results.json").exists()
    code, _, stderr = call("resume", out, "--workers", "2", "--quiet")
    assert (code, stderr) == (0, "")
    call("train", "moons", "--epochs", "400", *SHORT, "--out", "whole")
    for one, two in zip(weights(tmp_path / "whole"), weights(out), strict=True):
        torch.testing.assert_close(two, one, rtol=0, atol=0)
