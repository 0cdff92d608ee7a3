"""Short trainings: how many are run, which of them count, and what the tables are made of."""

import pytest

from benchmarks.workloads import short


@pytest.fixture
def trainings(monkeypatch):
    run = []

    def fake(name, path, epochs, device):
        run.append((name, epochs))
        weight = 8 if name == "torch_eager" else 2
        if len(run) <= len(short.CONTESTANTS) * len(short.STEPS):
            weight = 1000  # of the turn that fills the folder of compiled libraries
        return 2.0 * weight * epochs, [1.0 * weight * epochs] * short.LATER

    monkeypatch.setattr(short, "_trainings", fake)
    return run


def test_each_takes_turns_and_the_first_turn_does_not_count(trainings):
    report = short.run(0, "cpu")
    turn = [(name, steps // 10) for steps in short.STEPS for name in short.CONTESTANTS]
    assert trainings == turn * 4
    first, later = report.measured["ms"]["corenet_fit"][1000]
    assert (first, later) == ([400.0] * 3, [200.0] * 3 * short.LATER)


@pytest.mark.usefixtures("trainings")
def test_ratios_are_of_the_later_trainings_of_the_peer():
    *_, first, later, ratios = short.run(0, "cpu").notes
    assert "| 100 | 160.0 | 40.0 | 40.0 | 40.0 | 40.0 |" in first
    assert "| 100 | 80.0 | 20.0 | 20.0 | 20.0 | 20.0 |" in later
    assert "| 100 | 2.00 | 4.00 |" in ratios


def test_a_process_trains_fresh_models_for_as_many_epochs(tmp_path):
    from benchmarks.drawing import draw
    from benchmarks.problem import Settings

    draw(Settings(epochs=2)).write(tmp_path / "problem.npz")
    first, later = short._trainings("corenet_plain", tmp_path / "problem.npz", 2, "cpu")
    assert first > 0
    assert len(later) == short.LATER
    assert all(each > 0 for each in later)
