"""The quick step of a loop of one's own is the plain step, whatever the loop does in between."""

import pytest
import torch

import corenet as cn
from corenet.training.compile_step import compile_step

DATA = cn.data.disk(70, seed=0)


def parts():
    torch.manual_seed(1)
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Dropout(0.3), cn.Linear(6, 1), cn.Sigmoid())
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.3, momentum=0.9)


def lower_the_rate(model, optimizer):
    optimizer.lr *= 0.5


def drop_more(model, optimizer):
    model[2].p = 0.6


def replace_a_weight(model, optimizer):
    model[0].weight.data = 0.5 * model[0].weight.data.clone()


def load_weights(model, optimizer):
    model.load_state_dict({name: 0.9 * tensor for name, tensor in model.state_dict().items()})


def forget_the_velocity(model, optimizer):
    fresh = cn.SGD(model.parameters(), lr=0.3, momentum=0.9).state_dict()
    optimizer.load_state_dict({**fresh, "steps": 3})


def train_in_float64(model, optimizer):
    model.to(dtype=torch.float64)


CHANGES = [lower_the_rate, drop_more, replace_a_weight, load_weights, forget_the_velocity, train_in_float64]


def losses(step, model, optimizer, change):
    found = []
    torch.manual_seed(2)
    for number, (input, target) in enumerate(batch for epoch in range(3) for batch in DATA.batches(20, 3, epoch)):
        if number == 7:
            change(model, optimizer)
        dtype = model[0].weight.dtype
        found.append(step(input.to(dtype), target.to(dtype)))
    return torch.stack([each.double() for each in found])


@pytest.mark.parametrize("change", CHANGES)
def test_the_loop_may_change_anything_between_two_steps(change):
    plain, quick = parts(), parts()
    expected = losses(lambda *batch: cn.train_step(*plain, *batch), plain[0], plain[2], change)
    found = losses(compile_step(*quick), quick[0], quick[2], change)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(quick[0].state_dict(), plain[0].state_dict(), rtol=1e-5, atol=1e-6)


def test_a_loss_stays_what_it_was_when_the_next_step_is_done():
    model, loss, optimizer = parts()
    step = compile_step(model, loss, optimizer)
    first = [step(DATA.inputs, DATA.targets) for _ in range(4)]
    assert len({value.item() for value in first}) == 4


def test_a_mode_that_saves_nothing_is_refused_as_by_the_plain_step():
    model, loss, optimizer = parts()
    step = compile_step(model, loss, optimizer)
    for _ in range(3):
        step(DATA.inputs, DATA.targets)
    model.eval()
    with pytest.raises(cn.BackwardError, match="eval mode"):
        step(DATA.inputs, DATA.targets)


def test_numbers_that_are_not_finite_stop_it_before_the_write():
    model, _, optimizer = parts()
    step = compile_step(model, cn.MSELoss(), optimizer)
    for _ in range(3):
        step(DATA.inputs, DATA.targets)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(cn.NonFiniteError, match="no weight was written"):
        step(DATA.inputs, DATA.targets * float("inf"))
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
