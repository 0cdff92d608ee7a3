"""Inputs that a case draws itself."""

import pytest
import torch

import corenet as cn
from corenet.testing.support.drawing import cast, drawn_by, drawn_in, form
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable


def indices_and_weights(generator):
    return torch.randint(9, (4, 2), generator=generator), torch.rand(4, generator=generator)


def test_a_function_draws_by_the_generator_it_is_given():
    first, same, other = (drawn_by(indices_and_weights, None, seed) for seed in (1, 1, 2))
    assert all(map(torch.equal, first, same))
    assert not any(map(torch.equal, first, other))
    assert (first[0].dtype, first[1].dtype) == (torch.int64, torch.float64)


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5, 13])
def test_other_numbers_of_rows_are_drawn_on(rows):
    indices, weights = drawn_by(indices_and_weights, rows, 1)
    assert (indices.shape, weights.shape) == ((rows, 2), (rows,))
    straight = drawn_by(indices_and_weights, None, 1)
    assert torch.equal(indices[:4], straight[0][:rows])
    if rows > 7:
        assert not torch.equal(indices[4:8], indices[:4])


def test_one_tensor_stays_one():
    assert drawn_by(lambda generator: torch.ones(2, 3), 5, 0).shape == (5, 3)


def test_numbers_lie_in_the_domain_and_away_from_kinks():
    drawn = drawn_in((1000,), (-1.0, 3.0), (0.0, 2.0), seed=0)
    assert drawn.min() >= -1
    assert drawn.max() <= 3
    assert min(drawn.abs().min(), (drawn - 2).abs().min()) >= 0.05 * 4 - 1e-12


def test_integers_keep_their_dtype():
    assert cast(torch.tensor([1]), torch.float32).dtype == torch.int64
    assert cast(torch.ones(1), torch.float16).dtype == torch.float16
    assert form(torch.ones(2, dtype=torch.bool)) == "(2,) of bool"


class Picks(cn.Module):
    def __init__(self, count, width, *, scale=1.0):
        self.table, self.scale = cn.Parameter(torch.randn(count, width)), scale

    def forward(self, indices, weights):
        return self.table[indices]


CASE = cn.Case({"scale": 2.0}, args=(9, 3), inputs=indices_and_weights)


def test_a_trial_of_such_a_case_says_what_it_is_on():
    trial = Trial(Picks, CASE, seed=2)
    assert str(trial) == "Picks(9, 3, scale=2.0) on (4, 2) of int64 and (4,)"
    assert [tuple(each.shape) for each in trial.of_rows(7).inputs()] == [(7, 2), (7,)]
    assert (trial.build().table.shape, trial.build().scale) == ((9, 3), 2.0)
    assert torch.equal(trial.inputs()[0], Trial(Picks, CASE, seed=2).inputs()[0])
    assert not torch.equal(trial.inputs()[0], trial.inputs(seed=1)[0])


def test_arguments_of_a_case_are_copied_for_each_instance():
    case = cn.Case(args=(cn.Linear(2, 2), cn.Tanh()))
    first, second = (Trial(cn.Sequential, case).build() for _ in range(2))
    assert first[0] is not second[0]
    assert torch.equal(first[0].weight, second[0].weight)


@pytest.mark.parametrize(
    "inputs", [lambda g: (torch.ones(2, 3), torch.ones(3)), lambda g: (torch.ones(2), torch.ones(()))]
)
def test_inputs_without_a_first_dimension_in_common_have_no_rows(inputs):
    with pytest.raises(NotApplicable, match="no first dimension in common"):
        Trial(cn.Linear, cn.Case(inputs=inputs)).of_rows(3)


def test_targets_are_drawn_too():
    case = cn.Case(shape=(4, 3), targets=lambda generator: torch.rand(4, 3, generator=generator).softmax(-1))
    trial = Trial(cn.MSELoss, case)
    assert torch.allclose(trial.target().sum(-1), torch.ones(4).double())
    assert trial.input().shape == (4, 3)
    assert trial.target(seed=1).ne(trial.target()).any()
    assert trial.of_rows(9).target().shape == trial.of_rows(9).input().shape == (9, 3)
    inputs = cn.Case(shape=(4, 3), inputs=lambda generator: torch.rand(4, 3, generator=generator))
    assert Trial(cn.MSELoss, inputs).of_rows(9).target().shape == (9, 3)


def test_a_function_that_raises_costs_the_words_alone():
    def draw(generator):
        raise ZeroDivisionError

    assert str(Trial(cn.ReLU, cn.Case(inputs=draw))) == "ReLU() on inputs that cannot be drawn"
    report = cn.testing.check_component(cn.ReLU, cases=[cn.Case(inputs=draw)])
    assert report.failures[0].check == "module.runs"
    assert "ZeroDivisionError" in report.failures[0].message


def test_what_was_written_for_the_first_version_is_the_same_case():
    case = cn.Case({"in_features": 3, "out_features": 2}, (4, 3), (-1.0, 1.0), (0.0, 1.0), (0.0,), 3)
    assert (case.shape, case.domain, case.target_domain, case.kinks, case.classes) == (
        (4, 3), (-1.0, 1.0), (0.0, 1.0), (0.0,), 3,
    )  # fmt: skip
    assert (case.args, case.inputs, case.targets, case.expected_failures) == ((), None, None, {})
