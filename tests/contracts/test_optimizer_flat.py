"""An optimizer lays its parameters side by side; every parameter stays the object it was."""

import copy

import pytest
import torch

import corenet as cn


@pytest.fixture
def reference(mlp, sgd, trained):
    """Return the values of the chain after three undisturbed steps of SGD."""
    counterpart = copy.deepcopy(mlp)
    return trained(counterpart.parameters(), sgd(counterpart.parameters()))


def test_every_parameter_stays_the_same_object_with_the_same_value_and_gradient(mlp, fill_gradients):
    before = mlp.parameters()
    fill_gradients(before)
    gradients = [parameter.grad for parameter in before]
    values = [(parameter.clone(), parameter.grad.clone()) for parameter in before]
    cn.SGD(mlp.parameters(), lr=0.1)
    assert all(new is old for new, old in zip(mlp.parameters(), before, strict=True))
    assert all(parameter.grad is gradient for parameter, gradient in zip(before, gradients, strict=True))
    for parameter, (value, gradient) in zip(before, values, strict=True):
        assert torch.equal(parameter, value)
        assert torch.equal(parameter.grad, gradient)


def test_all_parameters_share_one_memory_and_all_gradients_another(mlp, storage):
    optimizer = cn.SGD(mlp.parameters(), lr=0.1)
    assert len({storage(parameter) for parameter in mlp.parameters()}) == 1
    (gradients,) = optimizer.layout.gradients()
    assert {storage(parameter.grad) for parameter in mlp.parameters()} == {storage(gradients)}
    gradients += 1
    assert all((parameter.grad == 1).all() for parameter in mlp.parameters())


def test_one_flat_tensor_for_each_dtype(parameters):
    weights = parameters(2, 3) + parameters(4, 5, dtype=torch.float32)
    optimizer = cn.SGD(weights, lr=0.1)
    assert {(g.dtype, len(g)) for g in optimizer.layout.gradients()} == {(torch.float64, 5), (torch.float32, 9)}


def test_one_parameter_is_used_where_it_is(parameters):
    (weight,) = parameters((2, 3))
    address = weight.data_ptr(), weight.grad.data_ptr()
    optimizer = cn.SGD([weight], lr=1.0)
    weight.grad += 1
    before = weight.clone()
    optimizer.step()
    assert (weight.data_ptr(), weight.grad.data_ptr()) == address
    assert torch.equal(weight, before - 1)


def test_a_second_optimizer_over_the_same_model_uses_the_flat_tensor_where_it_is(mlp):
    cn.SGD(mlp.parameters(), lr=0.1)
    addresses = [parameter.data_ptr() for parameter in mlp.parameters()]
    cn.SGD(mlp.parameters(), lr=0.2)
    assert [parameter.data_ptr() for parameter in mlp.parameters()] == addresses


@pytest.mark.parametrize("whole_first", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_two_optimizers_over_halves_of_one_model(
    mlp, reference, fill_gradients, whole_first, reverse, sgd, assert_equal
):
    if whole_first:
        cn.SGD(mlp.parameters(), lr=0.1)
    halves = [sgd(mlp[index].parameters()) for index in ((2, 0) if reverse else (0, 2))]
    for step in range(3):
        for optimizer in halves:
            optimizer.zero_grad()
        fill_gradients(mlp.parameters(), step)
        for optimizer in halves:
            optimizer.step()
    assert_equal(mlp.parameters(), reference)


def test_one_of_two_halves_leaves_the_other_alone(mlp, fill_gradients, sgd):
    first, _second = sgd(mlp[0].parameters()), sgd(mlp[2].parameters())
    fill_gradients(mlp.parameters())
    before, gradient = mlp[2].weight.clone(), mlp[2].weight.grad.clone()
    first.step()
    first.zero_grad()
    assert torch.equal(mlp[2].weight, before)
    assert torch.equal(mlp[2].weight.grad, gradient)
    assert mlp[0].weight.grad.count_nonzero() == 0


@pytest.mark.parametrize("when", ["before zero_grad", "before step"])
def test_a_replaced_grad_is_what_the_step_uses(mlp, reference, fill_gradients, when, sgd, assert_equal):
    optimizer = sgd(mlp.parameters())
    for step in range(3):
        if when == "before zero_grad":
            mlp[0].weight.grad = torch.full_like(mlp[0].weight, 9)
        optimizer.zero_grad()
        fill_gradients(mlp.parameters(), step)
        if when == "before step":
            mlp[0].weight.grad = mlp[0].weight.grad.clone()
        optimizer.step()
    assert_equal(mlp.parameters(), reference)


def test_a_grad_taken_away_counts_as_zero(mlp, fill_gradients):
    optimizer = cn.SGD(mlp.parameters(), lr=0.1)
    fill_gradients(mlp.parameters())
    before = mlp.state_dict()
    mlp[0].weight.grad = None
    optimizer.step()
    assert torch.equal(mlp[0].weight, before["0.weight"])
    assert not torch.equal(mlp[0].bias, before["0.bias"])
    assert mlp[0].weight.grad.count_nonzero() == 0


def test_replaced_data_is_what_the_step_changes_and_the_state_is_kept(
    mlp, reference, fill_gradients, sgd, assert_equal
):
    optimizer = sgd(mlp.parameters())
    for step in range(3):
        mlp[0].weight.data = mlp[0].weight.data.clone()
        optimizer.zero_grad()
        fill_gradients(mlp.parameters(), step)
        optimizer.step()
    assert_equal(mlp.parameters(), reference)


def test_a_rule_for_whole_parameters_keeps_its_state_when_data_is_replaced(
    fill_gradients, parameters, assert_equal, normed
):
    weights = parameters((2, 3), ())
    counterparts = copy.deepcopy(weights)
    optimizer, other = normed(weights, lr=0.1), normed(counterparts, lr=0.1)
    for step in range(3):
        weights[0].data = weights[0].data.clone()
        for of, each in ((weights, optimizer), (counterparts, other)):
            fill_gradients(of, step)
            each.step()
    assert_equal(weights, counterparts)


def test_replaced_data_of_other_values_is_taken_over(mlp):
    optimizer = cn.SGD(mlp.parameters(), lr=0.5)
    mlp[0].weight.data = torch.ones(5, 3, dtype=torch.float64)
    mlp[0].weight.grad += 1
    optimizer.step()
    assert (mlp[0].weight == 0.5).all()


def test_a_model_moved_under_its_optimizer_trains_on_with_its_velocity(mlp, sgd, trained):
    optimizer = sgd(mlp.parameters())
    trained(mlp.parameters(), optimizer)
    velocity = optimizer.state_dict()["states"][0]["velocity"]
    before = mlp[0].weight.clone()
    mlp.to(dtype=torch.float32)
    optimizer.zero_grad()
    optimizer.step()
    assert mlp[0].weight.dtype == torch.float32
    assert optimizer.state_dict()["states"][0]["velocity"].dtype == torch.float32
    torch.testing.assert_close(mlp[0].weight.double(), before - 0.1 * 0.9 * velocity, rtol=1e-5, atol=1e-6)


def test_a_model_moved_there_and_back_is_still_trained(mlp, fill_gradients):
    optimizer = cn.SGD(mlp.parameters(), lr=0.1)
    mlp.to(dtype=torch.float32).to(dtype=torch.float64)
    before = mlp.state_dict()
    fill_gradients(mlp.parameters())
    optimizer.step()
    for name, parameter in mlp.named_parameters():
        torch.testing.assert_close(parameter, before[name] - 0.1 * parameter.grad)


def test_tied_weights_are_stepped_once():
    model = cn.Sequential(cn.Linear(2, 2, bias=False), cn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    optimizer = cn.SGD(model.parameters(), lr=0.5)
    before = model[0].weight.clone()
    model[0].weight.grad += 1
    optimizer.step()
    assert model[1].weight is model[0].weight
    assert torch.equal(model[1].weight, before - 0.5)
