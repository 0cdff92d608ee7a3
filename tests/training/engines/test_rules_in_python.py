"""Rules of strangers that cannot be recorded are applied in Python, one step at a time."""

import itertools
import math
import random

import pytest
import torch

import corenet as cn

pytestmark = pytest.mark.usefixtures("needs_compiler")

FLOAT = cn.data.disk(70, seed=0)
DATA = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())


def build(optimizer=cn.SGD, *middle, loss=cn.MSELoss, lr=0.05):
    def make():
        parts = [each() for each in middle]
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), *parts, cn.Linear(6, 1), cn.Sigmoid())
        model.to(dtype=torch.float64)
        return model, loss(), optimizer(model.parameters(), lr=lr)

    return make


class Remembers(cn.Optimizer):
    """Keeps a velocity, and moves by it."""

    elementwise = True

    def init_state(self, param):
        return {"velocity": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["velocity"].mul_(0.5).add_(grad)
        self.move(param, state["velocity"])

    def move(self, param, direction):
        param -= self.current_lr * direction


class RootOfSteps(Remembers):
    def move(self, param, direction):
        param.sub_(direction, alpha=self.current_lr / math.sqrt(self.steps + 1))


class EveryFifth(Remembers):
    def move(self, param, direction):
        if self.steps % 5 == 4:
            super().move(param, direction)


class BaseRate(Remembers):
    def move(self, param, direction):
        param -= self.lr * direction


class PrivateRate(Remembers):
    def move(self, param, direction):
        param -= self._lr * direction


class ScheduleItself(Remembers):
    """Reads the schedule where it could read the rate."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, lr, schedule=lambda step: 1 / (1 + step))

    def move(self, param, direction):
        param -= self.schedule(3) * 0.1 * direction


class TensorRate(Remembers):
    def move(self, param, direction):
        param -= torch.tensor(self.current_lr) * direction


class ComparesRate(Remembers):
    """Does another thing once its rate has fallen."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, lr, lr_decay=0.1)

    def move(self, param, direction):
        param -= self.current_lr * (direction if self.current_lr > 0.02 else direction.sign())


class Counting(Remembers):
    count = 0

    def move(self, param, direction):
        self.count += 1
        param -= self.current_lr * direction / self.count


class CountingInAList(Remembers):
    def __init__(self, parameters, lr):
        self.counts = [0]
        super().__init__(parameters, lr)

    def move(self, param, direction):
        self.counts[0] += 1
        if self.counts[0] > 12:
            super().move(param, direction)


class CountingInATensor(Remembers):
    def __init__(self, parameters, lr):
        self.count = torch.zeros(2, dtype=torch.float64)
        super().__init__(parameters, lr)

    def move(self, param, direction):
        self.count += 1
        param -= self.current_lr * direction / self.count[0]


class CountingInItsState(Remembers):
    def init_state(self, param):
        return super().init_state(param) | {"count": torch.zeros(())}

    def update(self, param, grad, state):
        super().update(param, grad, state)
        state["count"] = state["count"] + 1
        if state["count"] > 12:
            param.mul_(0.9)


class CountingElsewhere(Remembers):
    """An object that counts."""

    def __init__(self, parameters, lr):
        self.counter = itertools.count(1)
        super().__init__(parameters, lr)

    def move(self, param, direction):
        param -= self.current_lr * direction / next(self.counter)


class Replaces(Remembers):
    def update(self, param, grad, state):
        state["velocity"] = 0.5 * state["velocity"] + grad
        self.move(param, state["velocity"])


class Draws(Remembers):
    def move(self, param, direction):
        param -= self.current_lr * (direction + 0.1 * torch.randn_like(direction))


class DrawsInPython(Remembers):
    def move(self, param, direction):
        param -= self.current_lr * random.random() * direction


class LooksAtNumbers(Remembers):
    def move(self, param, direction):
        largest = direction.abs().max().item()
        param -= self.current_lr * direction / max(largest, 1.0)


class RateOfTensors(Remembers):
    @property
    def current_lr(self):
        return self.lr / (1 + self.parameters[0].abs().sum().item())


class Sorts(Remembers):
    """Is known, but not in C."""

    def move(self, param, direction):
        param -= self.current_lr * direction.sort().values


ONE_BY_ONE = [RootOfSteps, EveryFifth, BaseRate, PrivateRate, ScheduleItself, TensorRate, ComparesRate, Counting]
ONE_BY_ONE += [CountingInAList]
ONE_BY_ONE += [CountingInATensor, CountingInItsState, CountingElsewhere, Replaces, Draws, DrawsInPython]
ONE_BY_ONE += [LooksAtNumbers, RateOfTensors, Sorts]


@pytest.mark.parametrize("optimizer", ONE_BY_ONE)
def test_a_rule_that_cannot_be_recorded_is_applied_in_python(optimizer, alike, trained, caplog):
    def change(epoch, *parts):
        random.seed(epoch)

    with caplog.at_level("INFO", logger="corenet"):
        alike(build(optimizer, lambda: cn.Dropout(0.2)), DATA, many=False, change=change)
    assert caplog.text.count("using single steps") == 1


class NumberInItsState(Remembers):
    def init_state(self, param):
        return super().init_state(param) | {"count": 0}

    def update(self, param, grad, state):
        super().update(param, grad, state)
        state["count"] += 1


def test_a_state_that_is_no_tensor_stops_nobody(trained):
    plain, compiled = (trained(build(NumberInItsState), engine, DATA) for engine in ("plain", "compiled"))
    torch.testing.assert_close(compiled.model.state_dict(), plain.model.state_dict(), rtol=1e-11, atol=1e-12)
    assert [each.optimizer.layout.slots[0].state["count"] for each in (plain, compiled)] == [27, 27]
