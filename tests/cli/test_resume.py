"""``corenet resume``: real processes stopped in the middle, which come to the weights of one that was not."""

import json
import signal
import subprocess
import sys
import time

import pytest
import torch

import corenet as cn
from corenet.experiments import train_run
from corenet.experiments.experiment import of_table

pytest.importorskip("polars")

EPOCHS = 40
CHANGES = [f"epochs={EPOCHS}", "batch_size=8", 'engine="plain"', "network.dropout=0.2"]


@pytest.fixture
def stopped(tmp_path):
    """Start a training, and send it a signal after some epochs."""

    def run(number):
        out = tmp_path / "there"
        changes = [part for change in CHANGES for part in ("--set", change)]
        process = subprocess.Popen(
            [sys.executable, "-m", "corenet", "train", "moons", "--out", out, "--quiet", *changes],
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        deadline = time.monotonic() + 60
        while not (out / "history.jsonl").is_file() or len(rows(out)) < 3:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
        return out, process.returncode, stderr

    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same training, never stopped."""
    return train_run(of_table("moons", CHANGES), tmp_path_factory.mktemp("whole") / "run").path


def rows(run):
    """Return the epochs of a run, without the times that they took."""
    lines = (run / "history.jsonl").read_text(encoding="utf-8").splitlines()
    return [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_training_that_was_stopped_comes_to_the_same_weights(stopped, whole, call, number, code):
    out, returned, stderr = stopped(number)
    assert returned == code
    done = len(rows(out))
    assert 3 <= done < EPOCHS
    assert not (out / "results.json").exists()
    if number == signal.SIGINT:
        told = f"corenet: stopped; {out} keeps the best model and the history: corenet resume {out} goes on"
        assert stderr.strip() == told
        assert len(cn.load(out).history) == done
    code, stdout, stderr = call("resume", out, "--json")
    assert code == 0, stderr
    again, before = cn.load(out), cn.load(whole)
    torch.testing.assert_close(again.model.state_dict(), before.model.state_dict(), rtol=0, atol=0)
    assert rows(out) == rows(whole)
    assert json.loads(stdout)["metrics"] == json.loads((whole / "results.json").read_text(encoding="utf-8"))["metrics"]
    assert not (out / "checkpoint").exists()


def test_of_several_rounds_those_that_are_finished_stay(call, tmp_path):
    out = train_run(of_table("moons", ["rounds=2", "epochs=2"]), tmp_path / "two").path
    before = [cn.load(out / name).model.state_dict() for name in ("round-1", "round-2")]
    (out / "results.json").unlink()
    (out / "round-2" / "results.json").unlink()
    first = (out / "round-1" / "model.safetensors").stat().st_mtime_ns
    code, stdout, _ = call("resume", out)
    assert code == 0
    assert [line for line in stdout.splitlines() if line.startswith("round")] == ["round 2 of 2"]
    assert (out / "round-1" / "model.safetensors").stat().st_mtime_ns == first
    after = [cn.load(out / name).model.state_dict() for name in ("round-1", "round-2")]
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    assert len(json.loads((out / "results.json").read_text(encoding="utf-8"))["rounds"]) == 2


def test_what_cannot_go_on_is_one_line(call, tmp_path, whole):
    code, stdout, stderr = call("resume", whole)
    assert (code, stdout) == (2, "")
    assert stderr == f"corenet: {whole} is finished; corenet train {whole / 'experiment.toml'} trains it anew\n"
    (tmp_path / "empty").mkdir()
    for name in ("empty", "nothing"):
        line = f"corenet: {name} is no folder of a run: it has no experiment.toml\n"
        assert call("resume", name) == (2, "", line)
