"""``corenet bench``: against a real torch.nn process, on any network, and only if both train the same."""

import json

import pytest

from corenet.cli import bench


def test_it_times_the_three_on_the_network_asked_for(call):
    code, stdout, _ = call("bench", "--layers", "3,8,2", "--batch-size", 7, "--seconds", 0, "--json")
    report = json.loads(stdout)
    assert (code, report["schema"], report["layers"], report["batch_size"]) == (0, 1, [3, 8, 2], 7)
    assert list(report["step_seconds"]) == ["torch.nn", "corenet, loop", "corenet, fit"]
    assert all(0 < seconds < 1 for seconds in report["step_seconds"].values())
    assert report["weights_error"] < bench.TOLERANCE


def test_the_table_measures_against_torch_nn(call):
    code, stdout, stderr = call("bench", "--layers", "2,4,1", "--seconds", 0)
    assert (code, stderr) == (0, "")
    line = next(line for line in stdout.splitlines() if line.startswith("torch.nn"))
    assert line.split()[-1] == "1.00"
    assert "2-4-1, batch 100" in stdout
    assert "fit trained 10 steps a turn, by engine 'plain'" in stdout


def test_fit_trains_as_long_as_the_loop_would_in_the_time_given(call):
    code, stdout, _ = call("bench", "--layers", "2,4,1", "--seconds", 0.5, "--json")
    report = json.loads(stdout)
    assert (code, report["engine"]) == (0, "replay")
    assert report["fit_steps"] * report["step_seconds"]["corenet, loop"] == pytest.approx(0.5, rel=0.8)


def test_another_result_is_a_failed_check_and_nothing_is_timed(call, monkeypatch):
    monkeypatch.setattr(bench, "_fit", lambda *_: 0.1)
    monkeypatch.setattr(bench, "_take_turns", lambda *_: pytest.fail("it was timed"))
    code, stdout, stderr = call("bench", "--layers", "2,4,1")
    assert (code, stdout) == (1, "")
    assert stderr.startswith("corenet: the weights differ from those of torch.nn by ")


@pytest.mark.parametrize("widths", ["2", "2,x", "2,0,1", "2,-3", ""])
def test_widths_that_are_none_are_a_users_mistake(call, widths):
    code, _, stderr = call("bench", "--layers", widths)
    assert code == 2
    assert "write at least two, as in 2,25,25,1" in stderr
    assert len(stderr.splitlines()) == 1
