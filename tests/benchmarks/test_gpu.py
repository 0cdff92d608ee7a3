"""The race on a CUDA device: what it says without one, what it compares, and that it runs where there is one."""

import pytest
import torch

pytest.importorskip("benchmarks")

from benchmarks.row import Row
from benchmarks.workloads import gpu


def rows(**microseconds):
    return [Row(name, "p", wall=[1e-6 * value], cpu=[0.0], threads=2) for name, value in microseconds.items()]


def test_without_a_cuda_device_it_says_so_in_a_line(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    report = gpu.run(10, "cpu")
    assert report.markdown().rstrip().endswith("There is no CUDA device here, and nothing was timed.")
    assert [path.name for path in report.write(tmp_path)] == ["gpu.json", "gpu.md"]


def test_it_says_how_many_times_as_fast_launches_are():
    one = rows(torch_eager=400, torch_cudagraph=150, corenet_graph=50)
    assert gpu.compared(one) == [
        "corenet fit, graph is 8.00 times as fast as PyTorch eager.",
        "corenet fit, graph is 3.00 times as fast as PyTorch, CUDA graphs.",
    ]
    assert gpu.of_rounds(one, rows(corenet_rounds_graph=0.15)) == [
        "A step of 1000 rounds takes 3.00 times as long as one of one."
    ]


def test_what_was_not_timed_is_not_compared():
    gone = [Row("corenet_graph", "p", skipped="it ended"), Row("corenet_rounds_graph", "p", skipped="it ended")]
    assert gpu.compared([*rows(torch_eager=400), *gone]) == gpu.of_rounds(gone, gone) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_cuda_device_every_contestant_runs(monkeypatch):
    monkeypatch.setattr(gpu, "EPOCHS", 20)
    monkeypatch.setattr(gpu, "EPOCHS_OF_MANY", 2)
    monkeypatch.setattr(gpu, "ROUNDS", 3)
    report = gpu.run(0, "cuda")
    assert [row.skipped for race in report.races.values() for row in race] == [""] * 10
    assert torch.cuda.get_device_name() in report.notes[0]
