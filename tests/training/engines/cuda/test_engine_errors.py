"""What goes wrong in a training by launches is told as by the plain one."""

import pytest
import torch

import corenet as cn


def build(*middle, end=cn.Sigmoid, loss=cn.BCELoss, optimizer=cn.SGD, dtype=torch.float64, **settings):
    """Return what makes a model on a device with ``middle`` inside, its loss and its optimizer."""
    settings = {"lr": 0.1} | ({"momentum": 0.9, "lr_decay": 0.01} if optimizer is cn.SGD else {}) | settings

    def make(device):
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), *(each() for each in middle), cn.Linear(6, 1), end())
        model.to(device, dtype=dtype)
        return model, loss(), optimizer(model.parameters(), **settings)

    return make


def dropout():
    return cn.Dropout(0.3)


def linear():
    return cn.Linear(1, 1)


runaway = build(dropout, cn.ReLU, end=linear, loss=cn.MSELoss)


@pytest.mark.parametrize("metrics", [(), None])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("step", [0, 1, 3, 5, 8])
def test_a_number_that_is_not_finite_stops_at_its_step(step, value, metrics, alike):
    def change(done, model, loss, optimizer, data):
        if done == 2:
            data.inputs[data.order(3, 2)[step * 8 + 3], 1] = value

    error = alike(runaway, change=change, metrics=metrics).error
    assert isinstance(error, cn.NonFiniteError)
    assert (error.epoch, error.step) == (3, step + 1)


class Clips(cn.Optimizer):
    """No gradient is too large for it."""

    elementwise = True

    def init_state(self, param):
        return {}

    def update(self, param, grad, state):
        param.sub_(grad.nan_to_num().clamp(-1, 1), alpha=self.current_lr)


@pytest.mark.parametrize("rule", [cn.SGD, Clips])
@pytest.mark.parametrize("part", ["gradient", "loss"])
def test_a_step_within_a_launch_of_epochs_is_found(part, rule, alike):
    make = build(end=lambda: Grows(part), loss=lambda: cn.MSELoss("sum"), optimizer=rule, lr=1e-3)
    error = alike(make, metrics=(), batch_size=10, epochs=20).error
    assert isinstance(error, cn.NonFiniteError)
    assert (error.epoch, error.step) == (11, 5)
    assert f"the {part} " in str(error)


class Grows(cn.Module):
    """In step 75 its gradient is infinite, or its output is too large for a square."""

    def __init__(self, part):
        self.part = part
        self.steps = cn.Buffer(torch.zeros(()))

    def forward(self, input):
        self.steps.add_(1)
        return torch.where(self.late(self.part == "loss"), 1e200 * input, input)

    def backward(self, grad_output):
        return torch.where(self.late(self.part == "gradient"), torch.inf, 0.1 * grad_output)

    def late(self, counts):
        return (self.steps >= 75) & counts


class Overflows(cn.SGD):
    """Weights that nobody reads become infinite in a step, and gradients do not."""

    def update(self, param, grad, state):
        param.sub_(grad, alpha=self.current_lr)
        param.mul_(torch.where(param.abs() > 1e3, torch.inf, 1.0))


class Unread(cn.Module):
    """A weight that moves on in every step, and that nothing depends on."""

    def __init__(self):
        self.weight = cn.Parameter(torch.zeros(3))

    def forward(self, input):
        return input.clone()

    def backward(self, grad_output):
        self.weight.grad -= 1.0
        return grad_output.clone()


@pytest.mark.parametrize("batch_size", [7, 10, 70])
def test_weights_that_run_away_stop_it_at_the_end_of_their_epoch(batch_size, alike):
    make = build(Unread, optimizer=Overflows, momentum=0.0, lr=35.0, end=Flat, loss=cn.MSELoss)
    error = alike(make, metrics=(), batch_size=batch_size, epochs=60).error
    assert isinstance(error, cn.NonFiniteError)
    assert "not finite after epoch" in str(error)


class Flat(cn.Module):
    """No gradient gets past it, so that no weight before it moves."""

    def forward(self, input):
        return torch.tanh(input)

    def backward(self, grad_output):
        return grad_output * 0


def test_what_a_loss_refuses_is_refused_at_its_step(alike):
    def change(epoch, model, loss, optimizer, data):
        if epoch == 2:
            data.targets[data.order(3, 2)[5 * 8]] = 2.0

    assert str(alike(build(), change=change).error) == "BCELoss() takes target in [0, 1], got 2"
