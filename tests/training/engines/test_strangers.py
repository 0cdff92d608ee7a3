"""Losses and modules of strangers are trained as by the plain step: many steps in one call, one by one, or plainly."""

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


# Losses.


class Refuses(cn.Loss):
    """A squared error that refuses what its ``check`` finds in a batch."""

    error = cn.RangeError

    def check(self, input, target):
        if target.mean() > 0.9:
            raise self.error(f"the mean is {target.mean():.2f}")

    def forward(self, input, target):
        self.save(input, target)
        return (input - target).square().sum()

    def backward(self):
        input, target = self.saved()
        return 2 * (input - target)


class RefusesOtherwise(Refuses):
    error = ZeroDivisionError


@pytest.mark.parametrize("loss", [Refuses, RefusesOtherwise])
@pytest.mark.parametrize("step", [2, 5, 8])
def test_what_a_strangers_loss_refuses_is_refused_at_its_step(loss, step, alike):
    def change(epoch, model, loss, optimizer, data):
        if epoch == 1:
            data.targets[data.order(3, 1)[step * 8 :][:8]] = 1.0

    left = alike(build(loss=loss), DATA, change=change)
    assert type(left.error) is loss.error
    assert left.optimizer.steps == 9 + step


class Guarded(cn.MSELoss):
    """Takes batches of eight points at most."""

    def check(self, input, target):
        super().check(input, target)
        if len(input) > 8:
            raise cn.ShapeError("Guarded()", input.shape, "too many points")


def test_a_check_that_only_a_batch_passes_is_no_reason_to_stop(alike):
    alike(build(loss=Guarded), DATA)


# Modules.


class Function(cn.Module):
    """A function with a derivative by hand."""

    def forward(self, input):
        self.save(input)
        return self.value(input)


class Sums(Function):
    def value(self, input):
        return input.cumsum(1)

    def backward(self, grad_output):
        self.saved()
        return grad_output.flip(1).cumsum(1).flip(1)


class SortsColumns(Function):
    def value(self, input):
        return input.sort(1).values

    def backward(self, grad_output):
        (input,) = self.saved()
        return torch.zeros_like(input).scatter(1, input.argsort(1), grad_output)


class Shuffles(Function):
    order = (3, 1, 0, 5, 4, 2)

    def value(self, input):
        return input[:, list(self.order)]

    def backward(self, grad_output):
        self.saved()
        return grad_output[:, torch.tensor(self.order).argsort()]


class Mixed(Function):
    """Draws in between, and works on a part in place."""

    def forward(self, input):
        noise = torch.rand_like(input)
        self.save(noise)
        output = input * noise
        output[:, 1:3] += 1
        return output

    def backward(self, grad_output):
        (noise,) = self.saved()
        return grad_output * noise


@pytest.mark.parametrize("middle", [Sums, SortsColumns, Shuffles])
def test_a_module_that_c_does_not_know_is_compiled_around(middle, alike):
    alike(build(cn.SGD, lambda: cn.Dropout(0.2), middle, cn.Tanh), DATA, many=False)


def test_a_module_that_draws_and_writes_in_place(alike):
    alike(build(cn.SGD, Mixed, cn.Tanh, Mixed), DATA)
