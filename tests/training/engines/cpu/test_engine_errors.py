"""What goes wrong in a compiled training is told and left as by the plain one."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.chunks import VERIFIED_BY
from corenet.training.engines.cpu.step_loop import CompiledLoop
from corenet.training.step import train_step

pytestmark = pytest.mark.usefixtures("needs_compiler")

FLOAT = cn.data.disk(70, seed=0)
DATA = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())


def build(*middle, end=cn.Sigmoid, loss=cn.BCELoss, optimizer=cn.SGD, dtype=torch.float64, width=6, **settings):
    """Return what makes a model with ``middle`` inside, its loss and its optimizer."""
    settings = {"lr": 0.1} | ({"momentum": 0.9, "lr_decay": 0.01} if optimizer is cn.SGD else {}) | settings

    def make():
        parts = [each() for each in middle]
        model = cn.Sequential(cn.Linear(2, width), cn.Tanh(), *parts, cn.Linear(width, 1), end())
        model.to(dtype=dtype)
        return model, loss(), optimizer(model.parameters(), **settings)

    return make


class Same(cn.Module):
    """Its output is its input; a parameter that nobody uses."""

    def __init__(self):
        self.weight = cn.Parameter(torch.ones(3, dtype=torch.float64))

    def forward(self, input):
        return input

    def backward(self, grad_output):
        return grad_output


def linear():
    return cn.Linear(1, 1)


runaway = build(lambda: cn.Dropout(0.2), cn.ReLU, end=linear, loss=cn.MSELoss)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("epoch", [0, 2])
@pytest.mark.parametrize("step", [0, 1, 3, 5, 7, 8])
def test_a_number_that_is_not_finite_stops_at_its_step(step, epoch, value, alike):
    def change(done, model, loss, optimizer, data):
        if done == epoch:
            data.inputs[data.order(3, epoch)[step * 8 + 3], 1] = value

    error = alike(runaway, DATA, change=change, many=epoch > 0 or step > 3).error
    assert isinstance(error, cn.NonFiniteError)
    assert (error.epoch, error.step) == (epoch + 1, step + 1)


def test_a_mean_that_is_not_finite_stops_it_even_where_each_value_is(alike):
    def change(epoch, model, loss, optimizer, data):
        if epoch == 1:
            data.targets[data.order(3, 1)[5 * 8 :][:8]] = 1.2e154  # the sum of eight squares is too large

    error = alike(build(loss=lambda: cn.MSELoss("none"), lr=1e-3), DATA, change=change).error
    assert (str(error)[:18], error.step) == ("epoch 2, step 6: t", 6)
    assert "the loss is inf" in str(error)


def test_weights_that_run_away_stop_it_where_they_do(trained, chunks):
    make = build(end=linear, loss=cn.MSELoss, lr=0.5)
    plain, compiled = (trained(make, engine, DATA, epochs=20).error for engine in ("plain", "compiled"))
    assert isinstance(plain, cn.NonFiniteError)
    assert (compiled.epoch, compiled.step, compiled.module) == (plain.epoch, plain.step, plain.module)
    assert len(chunks) > 2


def test_what_a_loss_refuses_is_refused_at_its_step(alike):
    def change(epoch, model, loss, optimizer, data):
        if epoch == 1:
            data.targets[data.order(3, 1)[5 * 8]] = 2.0

    error = alike(build(), DATA, change=change).error
    assert str(error) == "BCELoss() takes target in [0, 1], got 2"


def test_an_output_that_a_loss_refuses_is_refused_at_its_step(alike):
    def change(epoch, model, loss, optimizer, data):
        if epoch == 0:
            model[3].weight *= 0.1
            model[3].bias.fill_(0.5)

    error = alike(build(end=linear, lr=0.2), DATA, epochs=20, change=change).error
    assert str(error).startswith("BCELoss() takes input in [0, 1], got ")


@pytest.mark.parametrize("verified", [False, True])
def test_an_interruption_leaves_weights_states_and_steps_together(verified, trained, monkeypatch):
    """Ctrl-C while C runs comes when it is done."""
    run = CompiledLoop.run

    def interrupted(self, *batches_and_rates):
        found = run(self, *batches_and_rates)
        if verified == (len(found[1][1]) > VERIFIED_BY):
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(CompiledLoop, "run", interrupted)
    make = build(lambda: cn.Dropout(0.2), Same)
    left = trained(make, "compiled", DATA)
    assert isinstance(left.error, KeyboardInterrupt)
    done = left.optimizer.steps
    assert done == (3 + VERIFIED_BY if verified else 3)
    torch.manual_seed(1)
    model, loss, optimizer = make()
    torch.manual_seed(3)
    for _, (input, target) in zip(range(done), DATA.batches(8, 3, 0), strict=False):
        train_step(model, loss, optimizer, input, target)
    torch.testing.assert_close(left.model.state_dict(), model.state_dict(), rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(left.optimizer.state_dict(), optimizer.state_dict(), rtol=1e-11, atol=1e-12)


class Interrupted(cn.SGD):
    """Ctrl-C comes when several steps have been counted."""

    def __setattr__(self, name, value):
        jump = name == "steps" and value > vars(self).get("steps", 0) + 1
        super().__setattr__(name, value)
        if jump:
            raise KeyboardInterrupt


def test_an_interruption_after_the_count_is_one_before_the_steps(trained):
    left = trained(build(optimizer=Interrupted), "compiled", DATA)
    plain = trained(build(optimizer=cn.SGD, momentum=0.0, lr_decay=0.0), "plain", DATA, batch_size=8, epochs=1)
    assert isinstance(left.error, KeyboardInterrupt)
    assert left.optimizer.steps == 3 + VERIFIED_BY < plain.optimizer.steps
    assert not torch.equal(left.model[0].weight, plain.model[0].weight)
