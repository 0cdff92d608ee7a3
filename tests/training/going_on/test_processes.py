"""Trainings in processes of their own, told to stop or killed, and gone on with in others."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import corenet as cn

PROGRAM = Path(__file__).with_name("program.py")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def started(folder, out, engine, *more):
    command = [sys.executable, str(PROGRAM), str(folder), str(out), engine, *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finished(folder, out, engine):
    process = started(folder, out, engine)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    return torch.load(out, weights_only=True), said


def wait_for_a_checkpoint(folder, process):
    while not list(folder.glob("checkpoint-*")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


@pytest.mark.usefixtures("needs_compiler")
def test_told_to_stop_it_saves_and_another_process_goes_on(tmp_path):
    whole, _ = finished(tmp_path / "whole", tmp_path / "whole.pt", "compiled")
    run = tmp_path / "run"
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
        process = started(run, tmp_path / "none.pt", "compiled", "slowly")
        wait_for_a_checkpoint(run, process)
        before = {path.name for path in run.iterdir()}
        while {path.name for path in run.iterdir()} == before:  # until it has gone on
            time.sleep(0.01)
        process.send_signal(number)
        said = process.communicate()[1]
        assert process.returncode == code, said
        if number != signal.SIGKILL:
            newest = max(run.glob("checkpoint-*"))
            assert f"{signal.Signals(number).name}: stopped at " in said
            assert f"saved as {newest}" in said
    cut, said = finished(run, tmp_path / "cut.pt", "compiled")
    assert "going on from " in said
    torch.testing.assert_close(cut, whole, rtol=0, atol=0)
    assert not [path for path in run.iterdir() if not path.name.startswith("checkpoint-")]


def test_a_second_signal_does_not_wait(tmp_path):
    process = started(tmp_path / "run", tmp_path / "none.pt", "plain", "stuck")
    wait_for_a_checkpoint(tmp_path / "run", process)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert process.poll() is None  # it waits for the end of the step
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert cn.load(max((tmp_path / "run").glob("checkpoint-*"))).optimizer.steps == 1
