"""A short soak: the program that trains for millions of steps."""

import pytest

from benchmarks import soak
from benchmarks.soak import Sample


def test_a_short_soak_finds_nothing_and_saves(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["soak", "--steps", "400", "--epoch-steps", "20", "--engine", "replay"])
    monkeypatch.setattr(soak, "SPEED", 100.0)  # of so few steps it says nothing
    assert soak.main() == 0
    said = capsys.readouterr().out
    assert said.count("\n") == soak.PARTS + 4
    assert "0 faults" in said


def samples(memory=lambda part: 100.0, cpu=lambda part: 1.0 * part):
    return [Sample(1000 * part, 0.0, cpu(part), memory(part)) for part in range(soak.PARTS + 1)]


@pytest.mark.parametrize(
    ("found", "drifts", "said"),
    [
        (samples(memory=lambda part: 100.0 + 2 * part), {"first": 1e-6}, "memory grew by 16.0 MiB"),
        (samples(cpu=lambda part: 0.1 * part**2), {"first": 1e-6}, "times as long in the second half"),
        (samples(), {"first": 1.0}, "from the first weights the engine is 1.0e+00 away"),
        (samples(), {"last": float("nan")}, "from the last weights"),
    ],
)
def test_what_does_not_stay_as_it_was_is_a_fault(found, drifts, said):
    (fault,) = soak.faults_of(found, drifts, epochs=10)
    assert said in fault


def test_what_stays_as_it_was_is_none():
    assert soak.faults_of(samples(), {"first": 1e-6, "last": 1e-5}, epochs=10) == []
