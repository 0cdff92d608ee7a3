"""The contract of an optimizer: what its author writes, its learning rate, its parameters."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet.contracts.numbers import finite, non_negative

WRONG_RATES = [-0.1, math.nan, math.inf, -math.inf, "0.1", None]

# Writing an optimizer.


def test_an_optimizer_without_a_rule_says_so(parameters):
    with pytest.raises(NotImplementedError, match=r"Optimizer must define update\(self, param, grad, state\)"):
        cn.Optimizer(parameters(2), lr=0.1).step()


def test_an_elementwise_rule_runs_once_over_one_flat_tensor(parameters, summing):
    seen = []

    class Spy(summing):
        def update(self, param, grad, state):
            seen.append((param.shape, grad.shape, state["sum"].shape))

    Spy(parameters((2, 3), 4, ()), lr=0.1).step()
    assert seen == [((11,), (11,), (11,))]


def test_any_other_rule_runs_once_for_each_parameter_in_its_shape(fill_gradients, parameters, normed):
    weights = parameters((2, 3), 4)
    before = [weight.clone() for weight in weights]
    optimizer = normed(weights, lr=0.1)
    fill_gradients(weights)
    optimizer.step()
    for weight, old, state in zip(weights, before, optimizer.state_dict()["states"], strict=True):
        direction = weight.grad / weight.grad.norm(dim=-1, keepdim=True)
        torch.testing.assert_close(weight, old - 0.1 * direction)
        torch.testing.assert_close(state["velocity"], direction)
        assert state["count"].item() == 1


def test_flat_and_per_parameter_runs_agree(parameters, trained, assert_equal):
    class Alone(cn.SGD):
        elementwise = False

    flat = parameters((2, 3), 4)
    alone = copy.deepcopy(flat)
    ends = [trained(w, cls(w, lr=0.1, momentum=0.9)) for w, cls in ((flat, cn.SGD), (alone, Alone))]
    assert_equal(*ends)


def test_init_state_is_called_with_the_values_in_place(parameters, assert_equal):
    class Anchored(cn.Optimizer):
        elementwise = True

        def init_state(self, param):
            return {"start": param.clone()}

    weights = parameters(2, (2, 2))
    states = Anchored(weights, lr=0.1).state_dict()["states"]
    assert_equal([state["start"] for state in states], weights)


@settings(deadline=None, max_examples=25)
@given(
    shapes=st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=4),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
def test_a_step_treats_every_shape_and_dtype_alike(shapes, dtype, parameters, assert_equal):
    weights = parameters(*shapes, dtype=dtype)
    before = [weight.clone() for weight in weights]
    optimizer = cn.SGD(weights, lr=0.5)
    for weight in weights:
        weight.grad += 2
    optimizer.step()
    assert_equal(weights, [old - 1 for old in before])
    optimizer.zero_grad()
    assert all(weight.grad.count_nonzero() == 0 for weight in weights)


# The learning rate.


def test_lr_is_the_base_rate_assignable_and_used(parameters):
    (weight,) = parameters(1)
    optimizer = cn.SGD([weight], lr=1)
    assert isinstance(optimizer.lr, float)
    weight.zero_()
    weight.grad += 1
    optimizer.lr = 0.25
    optimizer.step()
    assert (optimizer.lr, weight.item()) == (0.25, -0.25)


@pytest.mark.parametrize("lr", WRONG_RATES)
def test_lr_negative_nan_or_infinite_is_refused_at_construction_and_nothing_is_moved(lr, parameters):
    weights = parameters(2, 3)
    addresses = [weight.data_ptr() for weight in weights]
    with pytest.raises(cn.ConfigError, match=r"lr must be") as caught:
        cn.SGD(weights, lr=lr)
    assert caught.value.name == "lr"
    assert [weight.data_ptr() for weight in weights] == addresses


@pytest.mark.parametrize("lr", WRONG_RATES)
def test_lr_negative_nan_or_infinite_is_refused_at_assignment_and_the_old_one_stays(lr, parameters):
    optimizer = cn.SGD(parameters(2), lr=0.1)
    with pytest.raises(cn.ConfigError, match="lr must be"):
        optimizer.lr = lr
    assert optimizer.lr == 0.1


def test_lr_decay_counts_optimizer_steps_from_0(parameters, summing):
    optimizer = summing(parameters(1), lr=0.3, lr_decay=0.5)
    rates = []
    for _ in range(4):
        rates.append(optimizer.current_lr)
        optimizer.step()
    assert rates == pytest.approx([0.3 / (1 + t * 0.5) for t in range(4)], rel=1e-15)
    assert (optimizer.steps, optimizer.lr) == (4, 0.3)


@pytest.mark.parametrize("value", WRONG_RATES)
def test_lr_decay_is_held_to_the_same_rules(value, parameters):
    with pytest.raises(cn.ConfigError, match="lr_decay must be"):
        cn.SGD(parameters(1), lr=0.1, lr_decay=value)


def test_finite_takes_negative_numbers_and_non_negative_takes_zero():
    assert (finite("x", -2), non_negative("x", 0)) == (-2.0, 0.0)
    assert type(finite("x", 1)) is float
    with pytest.raises(cn.ConfigError, match="x must be at least 0, not -1"):
        non_negative("x", -1)


# The parameters.


def test_parameters_may_come_from_a_generator(mlp):
    assert len(cn.SGD(iter(mlp.parameters()), lr=0.1).parameters) == 4


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (lambda weight: weight, r"iterable of parameters: model.parameters\(\), or \[parameter\]"),
        (lambda weight: [], "at least one parameter"),
        (lambda weight: [weight, weight], "the same parameter was given twice"),
        (lambda weight: [weight, torch.ones(2)], "parameter 1 is a Tensor, not a Parameter"),
        (lambda weight: [weight, cn.Buffer(torch.ones(2))], "parameter 1 is a Tensor, not a Parameter"),
        (lambda weight: [("weight", weight)], "parameter 0 is a tuple, not a Parameter"),
    ],
    ids=["tensor", "none", "twice", "plain", "buffer", "named"],
)
def test_what_is_no_iterable_of_distinct_parameters_is_refused(given_, message, parameters):
    with pytest.raises(cn.StructureError, match=message):
        cn.SGD(given_(parameters(2)[0]), lr=0.1)


def test_the_repr_counts_the_parameters(parameters):
    assert repr(cn.SGD(parameters(2, 3), lr=0.1)) == "SGD(2 parameters, lr=0.1)"
