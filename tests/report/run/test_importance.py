"""Permutation importance: values known by a formula, columns of several inputs, and a model left as it was."""

import pytest
import torch

import corenet as cn
from corenet.report.run.importance import Importance, permutation_importance

MSE = cn.MSELoss()


def linear(*weights):
    model = cn.Linear(len(weights), 1, init="zeros")
    model.weight.copy_(torch.tensor([weights]))
    return model


def test_a_linear_model_loses_twice_the_variance_of_what_its_column_adds():
    torch.manual_seed(0)
    inputs = torch.randn(4000, 3) * torch.tensor([1.0, 2.0, 3.0])
    weights = (2.0, -1.0, 0.0)
    model = linear(*weights)
    found = permutation_importance(
        model, MSE, cn.data.Dataset(inputs, model(inputs)), {"a": [0], "b": [1], "c": [2]}, repeats=4
    )
    assert [each.column for each in found] == ["a", "b", "c"] or [each.column for each in found] == ["b", "a", "c"]
    for each in found:
        place = "abc".index(each.column)
        expected = 2 * weights[place] ** 2 * inputs[:, place].var(correction=0).item()  # E[(w x − w x')²]
        assert each.mean == pytest.approx(expected, rel=0.05, abs=1e-12)
        assert len(each.increases) == 4
    assert found[-1].increases == (0.0,) * 4


def test_the_inputs_of_a_column_are_permuted_together():
    """The output is 0 wherever a row has one place of the two, as a category has; only a torn one would raise it."""
    inputs = torch.eye(2).repeat(50, 1)
    model = cn.Sequential(linear(1.0, 1.0))
    data = cn.data.Dataset(inputs, torch.ones(100, 1))
    (whole,) = permutation_importance(model, MSE, data, {"city": [0, 1]})
    torn = permutation_importance(model, MSE, data, {"ulm": [0], "bonn": [1]})
    assert whole.mean == 0.0
    assert min(each.mean for each in torn) > 0.3  # half of the rows have none or two of the places


def test_a_model_that_is_misled_by_a_column_is_better_without():
    inputs = torch.tensor([[-1.0], [1.0]]).repeat(100, 1)
    (found,) = permutation_importance(linear(1.0), MSE, cn.data.Dataset(inputs, -inputs), {"x": [0]})
    assert found.mean == pytest.approx(-2.0, rel=0.2)  # from (2x)² = 4 to a half of it


def test_it_is_drawn_from_its_seed_in_evaluation_mode_and_changes_nothing():
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 8), cn.Dropout(0.5), cn.Linear(8, 1)).train()
    data = cn.data.disk(60, seed=0)
    before, state = {name: each.clone() for name, each in model.state_dict().items()}, torch.get_rng_state()
    inputs = data.inputs.clone()
    columns = {"x": [0], "y": [1]}
    first, again, other = (permutation_importance(model, MSE, data, columns, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(data.inputs, inputs)
    assert all(torch.equal(model.state_dict()[name], each) for name, each in before.items())


def test_the_spread_is_that_of_a_sample():
    assert Importance("x", (1.0, 3.0)).std == pytest.approx(2**0.5)
    assert Importance("x", (1.0,)).std == 0.0


def test_inputs_that_are_no_rows_and_no_repeats_are_refused():
    images = cn.data.Dataset(torch.zeros(2, 1, 3, 3), torch.zeros(2, 1))
    with pytest.raises(cn.errors.ShapeError, match=r"expected inputs \(N, features\)"):
        permutation_importance(linear(1.0), MSE, images, {})
    with pytest.raises(cn.errors.ConfigError, match="repeats"):
        permutation_importance(linear(1.0), MSE, cn.data.disk(3, seed=0), {}, repeats=0)
