"""The plain step: what it computes."""

import pytest
import torch

import corenet as cn
from corenet import train_step


def test_a_step_by_hand():
    model = cn.Linear(2, 1, init="zeros")
    optimizer = cn.SGD(model.parameters(), lr=0.5)
    input, target = torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([[1.0], [3.0]])

    assert train_step(model, cn.MSELoss(), optimizer, input, target).item() == 5.0  # (1² + 3²) / 2
    assert model.weight.tolist() == [[5.0, 1.0]]  # −0.5 · (−1 · [1, 2] − 3 · [3, 0])
    assert model.bias.tolist() == [2.0]
    assert optimizer.steps == 1


def test_it_is_the_loop_spelled_out(batch, linear, momentum, everything):
    input, target = batch()
    ours = cn.Sequential(linear(5), cn.Tanh(), cn.Dropout(0.5), cn.Linear(5, 1), cn.Sigmoid())
    plain = cn.Sequential(linear(5), cn.Tanh(), cn.Dropout(0.5), cn.Linear(5, 1), cn.Sigmoid())
    plain.load_state_dict(ours.state_dict())
    loss, ours_by, plain_by = cn.BCELoss(), momentum(ours), momentum(plain)

    torch.manual_seed(1)
    got = [train_step(ours, loss, ours_by, input, target).item() for _ in range(5)]
    torch.manual_seed(1)
    expected = []
    for _ in range(5):
        plain_by.zero_grad()
        expected.append(loss(plain(input), target).item())
        plain.backward(loss.backward())
        plain_by.step()

    assert got == expected
    torch.testing.assert_close(everything(ours, ours_by), everything(plain, plain_by), rtol=0, atol=0)


def test_gradients_left_over_from_before_do_not_count(batch, linear):
    input, target = batch()
    model = linear()
    optimizer = cn.SGD(model.parameters(), lr=0.0)
    train_step(model, cn.MSELoss(), optimizer, input, target)
    once = model.weight.grad.clone()
    train_step(model, cn.MSELoss(), optimizer, input, target)
    assert torch.equal(model.weight.grad, once)
    assert once.abs().sum() > 0


def test_a_model_may_be_any_module_and_a_loss_unreduced(batch, linear, momentum):
    input, target = batch()
    model = linear()
    values = train_step(model, cn.MSELoss("none"), momentum(model), input, target)
    assert values.shape == (8, 1)


def test_a_refused_batch_leaves_the_next_one_as_it_would_be(batch, linear, momentum, everything):
    input, target = batch()
    model, other = linear(), linear()
    other.load_state_dict(model.state_dict())
    optimizer, other_by = momentum(model), momentum(other)
    with pytest.raises(cn.ShapeError):
        train_step(model, cn.MSELoss(), optimizer, input, target[:3])
    train_step(model, cn.MSELoss(), optimizer, input, target)
    train_step(other, cn.MSELoss(), other_by, input, target)
    torch.testing.assert_close(everything(model, optimizer), everything(other, other_by), rtol=0, atol=0)
