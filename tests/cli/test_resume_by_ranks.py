"""``torchrun -m corenet resume``: ranks that were told to stop, or killed, and any number of them that goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

import corenet as cn
from corenet.experiments import train_run
from corenet.experiments.experiment import of_table

ROOT = Path(__file__).parents[2]
CHANGES = ["epochs=40", "batch_size=8", 'engine="plain"', "network.dropout=0.2"]

pytest.importorskip("polars")
if not (dist.is_available() and dist.is_gloo_available()):
    pytest.skip("this build of torch has no gloo", allow_module_level=True)
if sys.platform != "linux":
    pytest.skip("ranks are found in /proc", allow_module_level=True)


@pytest.fixture
def ranks(tmp_path):
    """Start a command by so many ranks."""
    started = []

    def start(number, *arguments):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={number}"]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        env = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        process = subprocess.Popen([*command, "-m", "corenet", *map(str, arguments)], env=env, cwd=tmp_path, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def begun(ranks, tmp_path):
    """Start a training by so many ranks, and return it after some epochs."""

    def run(number, *more):
        out = tmp_path / "run"
        changes = [part for change in (*CHANGES, *more) for part in ("--set", change)]
        process = ranks(number, "train", "moons", "--out", out, "--quiet", *changes)
        deadline = time.monotonic() + 120
        while not (out / "history.jsonl").is_file() or len(rows(out)) < 3:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return process, out

    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same training, by one process that is never stopped."""
    return train_run(of_table("moons", CHANGES), tmp_path_factory.mktemp("whole") / "run").path


def rows(run):
    return (run / "history.jsonl").read_text(encoding="utf-8").splitlines()


def child(process, rank):
    """Return the number of the process that is a rank of torchrun's."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return next(int(each) for each in children if f"\0RANK={rank}\0".encode() in environment(each))


def environment(pid):
    return b"\0" + Path(f"/proc/{pid}/environ").read_bytes()


def told(done):
    """Return the lines of corenet's on its standard error."""
    return [line for line in done.communicate(timeout=120)[1].splitlines() if line.startswith("corenet: ")]


@pytest.mark.parametrize(("way", "number"), [("told", 3), ("killed", 1), ("first killed", 2)])
def test_a_training_that_ranks_left_goes_on_with_another_number_of_them(begun, ranks, whole, way, number):
    process, out = begun(2)
    if way == "told":
        process.send_signal(signal.SIGTERM)
        assert told(process) == [
            f"corenet: stopped; {out} keeps the best model and the history: corenet resume {out} goes on"
        ]
    else:
        os.kill(child(process, 0 if way == "first killed" else 1), signal.SIGKILL)
        (line,) = told(process)
        assert "rank" in line
    assert 3 <= len(rows(out)) < 40
    assert not (out / "results.json").exists()
    going_on = ranks(number, "resume", out, "--json")
    stdout, stderr = going_on.communicate(timeout=240)
    assert going_on.returncode == 0, stderr
    again, before = cn.load(out), cn.load(whole)
    torch.testing.assert_close(again.model.state_dict(), before.model.state_dict(), rtol=0, atol=1e-3)
    assert [json.loads(row)["epoch"] for row in rows(out)] == [json.loads(row)["epoch"] for row in rows(whole)]
    assert set(json.loads(stdout)["metrics"]) == {"train", "valid", "test"}
    assert not (out / "checkpoint").exists()


def test_what_cannot_go_on_is_one_line(ranks, whole, tmp_path):
    for folder, line in [
        ("nothing", "corenet: nothing is no folder of a run: it has no experiment.toml"),
        (whole, f"corenet: {whole} is finished; corenet train {whole / 'experiment.toml'} trains it anew"),
    ]:
        assert told(ranks(2, "resume", folder)) == [line]
    (tmp_path / "few.csv").write_text("x,y\n" + "1,no\n2,yes\n" * 20)
    few = ranks(3, "train", "few.csv", "--target", "y", "--set", "batch_size=2")
    assert told(few) == [
        "corenet: distributed: 3 ranks cannot share batches of 2 points; start fewer, or raise batch_size"
    ]
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").iterdir())


def test_a_run_that_is_being_trained_is_not_gone_on_with(begun, ranks):
    process, out = begun(2, "epochs=5000")
    (line,) = told(ranks(2, "resume", out))
    assert line == f"corenet: another training writes to {out / 'checkpoint'}; choose another folder, or wait"
    (line,) = told(ranks(2, "train", "moons", "--out", out))
    assert line == f"corenet: {out} is there already; choose another folder by --out, or replace it by --force"
    process.terminate()  # torchrun, which ends its ranks
    told(process)
