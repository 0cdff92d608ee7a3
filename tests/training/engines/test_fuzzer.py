"""A sample of ``benchmarks/training_fuzzer``: random trainings, whole or interrupted, beside the plain engine's."""

import pytest
import torch

from benchmarks.training_fuzzer.interrupts import interrupted
from benchmarks.training_fuzzer.verdict import verdict
from corenet.training.engines.recording import guards
from corenet.training.engines.recording.op_log import OpLog


@pytest.mark.parametrize("seed", range(16))
def test_a_random_training_is_the_plain_one(seed):
    found = verdict(seed)
    assert found.kind.startswith("as plain"), found.line


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_an_interrupted_training_is_whole_and_goes_on(seed):
    found = interrupted(seed)
    assert found.kind.startswith("whole"), found.line


def test_the_fuzzer_sees_a_change_that_an_engine_does_not(monkeypatch):
    monkeypatch.setattr(guards.Guards, "changed", lambda self: None)
    assert verdict(32).kind == "FINDING, silent"


def test_the_fuzzer_sees_what_an_interrupt_leaves_switched_on(monkeypatch):
    def interrupted_half_way(self):
        torch.set_default_dtype(torch.float64)
        raise KeyboardInterrupt

    monkeypatch.setattr(OpLog, "__enter__", interrupted_half_way)
    try:
        assert "the process has" in interrupted(0).line
    finally:
        torch.set_default_dtype(torch.float32)
