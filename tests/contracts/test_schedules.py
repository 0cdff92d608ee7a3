"""A schedule: a function of the number of steps done, by which the rate is multiplied."""

import copy
import math
import pickle

import pytest
import torch

import corenet as cn


def halves(step):
    return 0.5**step


class Warmup:
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, step):
        return min(1.0, (step + 1) / self.steps)


@pytest.mark.parametrize("schedule", [halves, Warmup(3), lambda step: 2 / (3 + step)])
def test_the_rate_is_multiplied_by_the_schedule(schedule, parameters):
    (weight,) = parameters(3)
    optimizer = cn.SGD([weight], lr=0.3, lr_decay=0.25, schedule=schedule)
    expected = weight.clone()
    for step in range(5):
        rate = 0.3 * schedule(step) / (1 + 0.25 * step)
        assert optimizer.current_lr == pytest.approx(rate, rel=1e-15)
        weight.grad.fill_(step - 1.5)
        expected -= rate * weight.grad
        optimizer.step()
    torch.testing.assert_close(weight.data, expected)
    assert optimizer.lr == 0.3


def test_it_goes_as_pytorchs_lambda_lr(parameters, fill_gradients):
    weights = parameters((3, 2), 4)
    leaves = [torch.nn.Parameter(each.clone()) for each in weights]
    oracle = torch.optim.SGD(leaves, lr=0.3, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.LambdaLR(oracle, halves)
    optimizer = cn.SGD(weights, lr=0.3, momentum=0.9, schedule=halves)
    for step in range(6):
        fill_gradients(weights, step)
        for one, other in zip(weights, leaves, strict=True):
            other.grad = one.grad.clone()
        optimizer.step()
        oracle.step()
        scheduler.step()
    torch.testing.assert_close([each.data for each in weights], [each.detach() for each in leaves], rtol=1e-13, atol=0)


def test_every_group_follows_it_from_its_own_rate(parameters):
    a, b = parameters(2, 3)
    optimizer = cn.SGD([{"params": a}, {"params": b, "lr": 0.8}], lr=0.2, schedule=halves)
    before = a.clone(), b.clone()
    a.grad.fill_(1.0)
    b.grad.fill_(1.0)
    for _ in range(2):
        optimizer.step()
    torch.testing.assert_close((a.data, b.data), (before[0] - 0.2 * 1.5, before[1] - 0.8 * 1.5))


def test_it_may_be_assigned_and_taken_away(parameters):
    optimizer = cn.SGD(parameters(2), lr=0.2)
    optimizer.schedule = halves
    optimizer.steps = 3
    assert (optimizer.schedule, optimizer.current_lr) == (halves, 0.2 / 8)
    optimizer.schedule = None
    assert optimizer.current_lr == 0.2


def test_copies_carry_it(parameters):
    optimizer = cn.SGD(parameters(2), lr=0.2, schedule=Warmup(4))
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert other.current_lr == 0.2 / 4


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -0.5, "0.5", None, torch.tensor(0.5), 1 + 2j], ids=lambda value: repr(value)
)
def test_what_is_no_factor_is_refused_with_step_and_value_before_anything_is_written(value, parameters):
    (weight,) = parameters(3)
    optimizer = cn.SGD([weight], lr=0.1, momentum=0.9, schedule=lambda step: value if step == 2 else 0.5)
    weight.grad.fill_(1.5)
    optimizer.step()
    optimizer.step()
    before, state = weight.clone(), optimizer.state_dict()["states"][0]["velocity"].clone()
    with pytest.raises(cn.ConfigError) as caught:
        optimizer.step()
    assert str(caught.value).startswith(f"the schedule gives {value!r} at step 2; it must give a finite number")
    assert (caught.value.name, optimizer.steps) == ("schedule", 2)
    assert torch.equal(weight, before)
    assert torch.equal(optimizer.state_dict()["states"][0]["velocity"], state)


@pytest.mark.parametrize("value", [0.5, [1.0], cn.StepSchedule])
def test_what_is_no_function_is_refused(value, parameters):
    with pytest.raises(cn.ConfigError, match="schedule must be a function of the number of steps done, or a name"):
        cn.SGD(parameters(2), lr=0.1, schedule=value)


@pytest.mark.parametrize("name", ["constant", "corenet:constant"])
def test_a_schedule_by_name(name, parameters):
    optimizer = cn.Adam(parameters(2), lr=0.3, schedule=name)
    assert optimizer.schedule == cn.ConstantSchedule()
    assert optimizer.current_lr == pytest.approx(0.1)
    optimizer.schedule = None
    assert optimizer.current_lr == 0.3
    optimizer.schedule = name
    assert optimizer.current_lr == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "cosine",
            cn.ConfigError,
            r"schedule 'cosine' cannot be made by its name alone .*; give CosineSchedule\(",
        ),
        ("cosin", cn.UnknownComponentError, "there is no schedule 'cosin'.*did you mean 'cosine'"),
        ("relu", cn.UnknownComponentError, "there is no schedule 'relu'"),
    ],
)
def test_a_name_that_tells_no_schedule_is_refused(name, error, message, parameters):
    (weight,) = parameters(2)
    with pytest.raises(error, match=message):
        cn.SGD([weight], lr=0.1, schedule=name)
    optimizer = cn.SGD([weight], lr=0.1, schedule=halves)
    with pytest.raises(error, match=message):
        optimizer.schedule = name
    assert optimizer.schedule is halves


def test_a_rule_of_an_earlier_version_may_have_a_schedule_of_its_own(parameters):
    class Scheduled(cn.Optimizer):
        schedule = staticmethod(lambda steps: 0.5**steps)

        @property
        def current_lr(self):
            return self.lr * self.schedule(self.steps)

        def update(self, param, grad, state):
            param -= self.current_lr

    (weight,) = parameters(1)
    weight.zero_()
    optimizer = Scheduled([weight], lr=0.5)
    optimizer.step()
    optimizer.step()
    assert weight.item() == -0.75


def test_a_schedule_without_a_call_says_so():
    class Empty(cn.Schedule):
        pass

    with pytest.raises(NotImplementedError, match=r"^Empty must define __call__\(self, step\)$"):
        Empty()(0)
