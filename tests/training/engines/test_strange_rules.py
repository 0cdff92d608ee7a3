"""Rules of strangers that do the same in each step are applied many times in one call."""

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


class Shaped(Remembers):
    elementwise = False

    def move(self, param, direction):
        param.sub_(direction / (1 + direction.square().sum().sqrt()), alpha=self.current_lr)


class Decays(Remembers):
    def move(self, param, direction):
        param.mul_(0.999).add_(direction, alpha=-self.current_lr)


class Adagrad(cn.Optimizer):
    elementwise = True

    def init_state(self, param):
        return {"squares": torch.zeros_like(param), "largest": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["squares"].add_(grad.square())
        state["largest"].copy_(torch.maximum(state["largest"], grad.abs()))
        param.addcdiv_(grad, state["squares"].sqrt() + 1e-8, value=-self.current_lr)


class Sign(cn.Optimizer):
    elementwise = True

    def update(self, param, grad, state):
        param -= torch.full_like(param, self.current_lr) * grad.sign()


class WarmsUp(Remembers):
    """Does another thing from step 15 on."""

    def move(self, param, direction):
        param.sub_(direction.sign() if self.steps < 15 else direction, alpha=self.current_lr)


class ForgetsOnce(Remembers):
    """Puts another tensor into its state, in one step."""

    def update(self, param, grad, state):
        if self.steps == 13:
            state["velocity"] = torch.ones_like(grad)
        super().update(param, grad, state)


class Scheduled(Remembers):
    milestones = (5, 11, 20)
    schedule = staticmethod(lambda steps: 0.9**steps)

    @property
    def current_lr(self):
        return self.lr * self.schedule(self.steps) * (0.5 if self.steps in self.milestones else 1)


class Corrected(Remembers):
    """Adam, as one writes it: with the count of steps in Python."""

    def init_state(self, param):
        return {"mean": torch.zeros_like(param), "square": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["mean"].lerp_(grad, 0.1)
        state["square"].lerp_(grad.square(), 0.001)
        correction = 1 - 0.9 ** (self.steps + 1), 1 - 0.999 ** (self.steps + 1)
        spread = (state["square"] / correction[1]).sqrt() + 1e-8
        param.addcdiv_(state["mean"], spread, value=-self.current_lr / correction[0])


class Rectified(Corrected):
    """RAdam: by its mean alone until a number of the step is large enough."""

    def update(self, param, grad, state):
        longest, done = 2 / (1 - 0.9) - 1, self.steps + 1
        length = longest - 2 * done * 0.9**done / (1 - 0.9**done)
        if length < 5:
            param.sub_(state["mean"].lerp_(grad, 0.1), alpha=self.current_lr / (1 - 0.9**done))
        else:
            rectified = ((length - 4) * (length - 2) / (longest - 4)) ** 0.5
            super().update(param, rectified * grad, state)


class ScaledRate(Remembers):
    def move(self, param, direction):
        param -= (1 - self.current_lr) * 0.1 * direction


class Constants(Remembers):
    def __init__(self, parameters, lr):
        self.betas, self.function = (0.5, 0.25), lambda rate: rate / 2
        super().__init__(parameters, lr, lr_decay=0.1)

    def move(self, param, direction):
        param -= self.current_lr * direction * self.betas[1]


@pytest.mark.parametrize(
    "optimizer",
    [
        Remembers,
        Shaped,
        Decays,
        Adagrad,
        Sign,
        WarmsUp,
        ForgetsOnce,
        Scheduled,
        Constants,
        Corrected,
        Rectified,
        ScaledRate,
    ],
)
@pytest.mark.parametrize("batch_size", [1, 8])
def test_a_rule_that_is_known_in_c_is_applied_many_times_in_one_call(optimizer, batch_size, alike, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cpu.step_loop._CHUNK", 9)
    alike(build(optimizer, lambda: cn.Dropout(0.2)), DATA, batch_size=batch_size)


def test_a_rule_that_does_another_thing_by_now_is_recorded_again(alike, chunks):
    alike(build(WarmsUp), DATA, epochs=6)
    assert chunks == [2, 3, 2, 6, 7, 2, 9, 9]  # step 15 is in epoch 2, whose steps go one by one


class EndsItsSchedule(Remembers):
    @property
    def current_lr(self):
        return [0.1, 0.05, 0.2, 0.1][self.steps // 4]


def test_a_schedule_that_ends_does_so_at_its_step(alike):
    left = alike(build(EndsItsSchedule), DATA)
    assert isinstance(left.error, IndexError)
    assert left.optimizer.steps == 16
