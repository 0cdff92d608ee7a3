"""``corenet bench``: against a real torch.nn process, on any network, and only if both train the same."""

import json
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from corenet.cli import bench


@pytest.fixture(scope="module")
def timed():
    """One run for several tests, since starting torch.nn's process takes longer than all else; its JSON."""
    result = CliRunner().invoke(bench.command, ["--layers", "3,8,2", "--batch-size", "7", "--seconds", "0.5", "--json"])
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_it_times_the_three_on_the_network_asked_for(timed):
    assert (timed["schema"], timed["layers"], timed["batch_size"]) == (1, [3, 8, 2], 7)
    assert list(timed["step_seconds"]) == ["torch.nn", "corenet, loop", "corenet, fit"]
    assert all(0 < seconds < 1 for seconds in timed["step_seconds"].values())
    assert timed["weights_error"] < bench.TOLERANCE


def test_the_table_measures_against_torch_nn(timed, capsys):
    bench._show(timed, as_json=False)
    stdout = capsys.readouterr().out
    lines = {line.split("  ")[0]: line.split() for line in stdout.splitlines()}
    assert lines["torch.nn"][-1] == "1.00"
    fit = timed["step_seconds"]["torch.nn"] / timed["step_seconds"]["corenet, fit"]
    assert lines["corenet, fit"][-1] == f"{fit:.2f}"
    assert "3-8-2, batch 7, SGD with momentum, threads 1" in stdout
    assert f"fit trained {timed['fit_steps']:,} steps a turn, by engine '{timed['engine']}'" in stdout


def test_fit_trains_as_long_as_the_loop_would_in_the_time_given(timed):
    assert timed["engine"] in ("replay", "compiled")  # as there is a C compiler or none, and time for it
    assert timed["fit_steps"] * timed["step_seconds"]["corenet, loop"] == pytest.approx(0.5, rel=0.8)


def test_another_result_is_a_failed_check_and_nothing_is_timed(call, monkeypatch):
    @contextmanager
    def peer(model, data, widths, batch_size, threads):
        counterpart = bench._network(widths, 0)
        yield lambda epochs: bench._loop(*counterpart, data, batch_size, epochs), counterpart[0].state_dict

    monkeypatch.setattr(bench, "_torch_nn", peer)
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


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
def test_seconds_that_are_none_are_a_users_mistake(call, seconds):
    code, stdout, stderr = call("bench", "--seconds", seconds)
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith("corenet: Invalid value for '--seconds': ")
