"""``torchrun -m corenet train``: the run of one process, written and told by the first rank alone."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

import corenet as cn

ROOT = Path(__file__).parents[2]

pytest.importorskip("polars")
if not (dist.is_available() and dist.is_gloo_available()):
    pytest.skip("this build of torch has no gloo", allow_module_level=True)


@pytest.fixture
def by_ranks(tmp_path):
    """Run a command by two ranks."""

    def run(*arguments):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "corenet"]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        env = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
        return subprocess.run(
            [*command, *map(str, arguments)], env=env, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
        )

    return run


def weights_of(folder):
    return torch.cat([each.reshape(-1) for each in cn.load(folder).model.parameters()])


def test_two_ranks_leave_the_run_of_one_process_and_tell_of_it_once(by_ranks, call, tmp_path):
    seed = random.randrange(1000)
    asked = ("train", "iris", "--epochs", 3, "--rounds", 2, "--seed", seed)
    done = by_ranks(*asked)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all of it is in runs/iris-1/") == 1
    assert [done.stdout.count(f"round {number} of 2") for number in (1, 2)] == [1, 1]
    assert done.stderr.count("epoch 3/3") == 2, "once a round"
    code, stdout, stderr = call(*asked, "--json")
    assert code == 0, stderr
    alone = tmp_path / json.loads(stdout)["run"]
    assert alone.name == "iris-2"
    for number in (1, 2):
        own, other = tmp_path / "runs" / "iris-1" / f"round-{number}", alone / f"round-{number}"
        assert {path.name for path in own.iterdir()} == {path.name for path in other.iterdir()}
        assert (weights_of(own) - weights_of(other)).abs().max() < 1e-5
        assert len((own / "history.jsonl").read_text(encoding="utf-8").splitlines()) == 3


def test_ranks_exchange_as_often_as_is_said_and_the_run_knows_it(by_ranks, call, tmp_path):
    asked = ("train", "iris", "--epochs", 2, "--exchange-every", 3)
    done = by_ranks(*asked)
    assert done.returncode == 0, done.stderr
    written = tmp_path / "runs" / "iris-1" / "experiment.toml"
    assert "exchange_every = 3" in written.read_text(encoding="utf-8").splitlines()
    for refused in (asked, ("train", written)):
        code, _, stderr = call(*refused)
        assert code == 2
        assert "exchange_every=3 is for several processes: start them by torchrun" in stderr
        assert not (tmp_path / "runs" / "iris-2").exists()


def test_a_mistake_is_told_once(by_ranks):
    done = by_ranks("train", "nothing.csv", "--target", "x")
    lines = [line for line in done.stderr.splitlines() if line.startswith("corenet: ")]
    assert len(lines) == 1
    assert "nothing.csv" in lines[0]
    assert "exitcode  : 2" in done.stderr
    assert "Traceback" not in done.stderr.partition("torch/distributed")[0]
