"""The races: the protocol with real processes, parity before any time, and what is skipped."""

import numpy as np
import pytest

pytest.importorskip("benchmarks")

import corenet as cn
from benchmarks import race as racing
from benchmarks.drawing import draw
from benchmarks.problem import Problem, Settings
from benchmarks.process import ContestantError, MissingLibraryError, Process
from benchmarks.race import race
from benchmarks.reference import ParityError, error_between, refuse


def assert_timed(rows):
    assert [row.skipped for row in rows] == ["", ""]
    for row in rows:
        assert 0 < row.error < Settings().tolerance
        assert row.first_steps == 20
        assert len(row.wall) == len(row.cpu) == racing.CHUNKS
        assert 0 < row.step_seconds < 1
        assert row.peak_bytes > 10e6
        assert row.import_seconds > 0.01


def test_torch_and_corenet_reach_the_same_weights_and_are_timed(settings):
    assert_timed(race(settings, ("torch_eager", "corenet_fit"), 0))


@pytest.mark.usefixtures("in_process")
def test_the_loops_of_corenet_reach_the_same_weights_and_are_timed(settings):
    assert_timed(race(settings, ("corenet_loop", "corenet_plain"), 0))


@pytest.mark.usefixtures("in_process")
def test_rounds_are_compared_with_trainings_one_by_one(settings):
    rows = race(settings.__class__(epochs=2, rounds=3), ("torch_sequential", "corenet_rounds"), 0)
    assert [row.skipped for row in rows] == ["", ""]
    assert all(row.error < Settings().tolerance for row in rows)


@pytest.mark.parametrize(
    ("library", "name"), [("jax", "jax_scan"), ("sklearn", "sklearn_mlp"), ("thinc", "thinc_chain")]
)
def test_a_peer_reaches_the_same_weights(settings, library, name):
    pytest.importorskip(library)
    (row,) = race(settings, (name,), 0)
    assert row.skipped == ""
    assert row.error < Settings().tolerance


@pytest.mark.usefixtures("in_process")
def test_another_network_is_refused_before_anything_is_timed(settings, monkeypatch):
    planted = racing.reference

    def moved(problem, path):
        expected = planted(problem, path)
        expected.first[2][0, 3, 4] += 1e-3
        return expected

    monkeypatch.setattr(racing, "reference", moved)
    monkeypatch.setattr(racing, "take_turns", lambda *_, **__: pytest.fail("it was timed"))
    with pytest.raises(ParityError, match=r"torch_eager on 2-25-25-25-1, .* after 20 steps .* nothing was timed"):
        race(settings, ("torch_eager",), 0)


def test_not_a_number_is_refused():
    with pytest.raises(ParityError):
        refuse(float("nan"), 1.0, "x", "y", 1)


def test_the_error_is_a_part_of_the_largest_weight_over_the_rounds_that_both_have():
    assert error_between([np.array([[1.0, 2.2]])], [np.array([[1.0, 2.0], [5.0, 5.0]])]) == pytest.approx(0.1)


def test_a_bias_is_measured_by_its_layer_and_no_other():
    right = [np.array([[8.0]]), np.array([[1.0]]), np.array([[2.0]]), np.array([[1e-9]])]
    found = [*right[:3], np.array([[1.0]])]
    assert error_between(found, right) == pytest.approx(0.5)


@pytest.mark.usefixtures("in_process")
def test_a_contestant_whose_library_is_missing_is_a_row_that_says_so(settings):
    (row,) = race(settings, ("not_there",), 0)
    assert "not_there" in row.skipped
    with pytest.raises(MissingLibraryError):
        Process("not_there", 1)


def test_a_contestant_that_dies_says_why(tmp_path):
    with Process("torch_eager", 1) as process, pytest.raises(ContestantError, match=r"ended with code 1: .*gone.npz"):
        process.prepare(tmp_path / "gone.npz")


def test_a_problem_comes_back_as_it_was_written_in_another_dtype(settings, tmp_path):
    problem = draw(settings)
    problem.write(tmp_path / "problem.npz")
    back = Problem.read(tmp_path / "problem.npz", dtype="float64")
    assert back.settings.widths == (2, 25, 25, 25, 1)
    assert back.inputs.dtype == np.float64
    for one, other in zip(problem.weights, back.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_order_is_the_one_that_fit_draws(settings):
    problem = draw(settings)
    data = cn.data.Dataset(*map(cn.data.torch.from_numpy, (problem.inputs, problem.targets)))
    input, _ = next(data.batches(100, seed=0, epoch=1))
    np.testing.assert_array_equal(input.numpy(), problem.inputs[problem.orders[0, 1, :100]])
