"""The compiled training is the plain one, whatever is trained, whatever goes wrong, whatever changes on the way."""

import gc
import resource
from itertools import product

import pytest
import torch

import corenet as cn
from corenet.training.engines.chunks import VERIFIED_BY
from corenet.training.engines.cpu.engine import Compiled
from corenet.training.learner import Learner
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


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", [cn.MSELoss, cn.MAELoss, cn.BCELoss, cn.BCEWithLogitsLoss])
def test_every_loss(loss, reduction, alike):
    alike(build(loss=lambda: loss(reduction=reduction), lr=0.01), DATA)


@pytest.mark.parametrize("loss", [cn.BCELoss, cn.BCEWithLogitsLoss])
def test_a_weighted_loss(loss, alike):
    alike(build(loss=lambda: loss(weight=torch.tensor([0.3]))), DATA)


@pytest.mark.parametrize("middle", [cn.ReLU, cn.Tanh, cn.Sigmoid, lambda: cn.Linear(6, 6, bias=False)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_layer_in_every_precision(middle, dtype, alike):
    data = DATA if dtype is torch.float64 else FLOAT
    alike(build(middle, dtype=dtype), data)


MOMENTA = [{}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.4}, {"momentum": 0.9, "nesterov": True}]
SETTINGS = [
    momentum | {"weight_decay": decay, "maximize": maximize, "lr_decay": falling}
    for momentum, decay, maximize, falling in product(MOMENTA, (0.0, 0.01), (False, True), (0.0, 0.1))
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_sgd_with_every_setting(settings, alike):
    alike(build(**{"momentum": 0.0, "lr": 0.02} | settings), DATA, epochs=2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_dropout_draws_the_same_masks(p, dtype, alike):
    data = DATA if dtype is torch.float64 else FLOAT
    make = build(lambda: cn.Dropout(p), lambda: cn.Linear(6, 6), lambda: cn.Dropout(0.5), dtype=dtype)
    alike(make, data)


@pytest.mark.parametrize("middle", ["Averages", "Partial", "Scaled"])
def test_odd_layers(middle, odd, alike):
    alike(build(odd[middle]), DATA)


@pytest.mark.parametrize(
    ("batch_size", "many"), [(1, True), (7, True), (30, True), (69, True), (70, True), (1000, False)]
)
@pytest.mark.parametrize("metrics", [(), (cn.error_rate,)])
def test_batches_of_every_size(batch_size, many, metrics, alike):
    alike(build(lambda: cn.Dropout(0.3)), DATA, many=many, batch_size=batch_size, metrics=metrics, epochs=5)


def test_an_epoch_of_several_chunks(alike, chunks):
    data = cn.data.Dataset(DATA.inputs.repeat(10, 1), DATA.targets.repeat(10, 1))
    alike(build(lambda: cn.Dropout(0.1), lr=0.01), data, batch_size=1, epochs=2)
    assert chunks == [VERIFIED_BY, 256, 256, 700 - 3 - VERIFIED_BY - 512, 256, 256, 188]


def test_what_is_kept_of_a_chunk_has_a_limit(alike, chunks, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cpu.step_loop._KEPT", 5 * 8 * (8 * (2 + 1) + 8 + 1 + 8 * 6))
    alike(build(lambda: cn.Dropout(0.1)), DATA)  # batches, outputs, losses and masks of five steps
    assert max(chunks) == 5


class Column(cn.Module):
    """The first column alone."""

    def forward(self, input):
        self.save(input)
        return input[:, 0].clone()

    def backward(self, grad_output):
        (input,) = self.saved()
        grad_input = torch.zeros_like(input)
        grad_input[:, 0] += grad_output
        return grad_input


def test_targets_of_one_dimension(alike):
    data = cn.data.Dataset(DATA.inputs, DATA.targets[:, 0])
    alike(build(end=Column, loss=cn.MSELoss), data)


def test_targets_of_several_columns(alike):
    def make():
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 3))
        model.to(dtype=torch.float64)
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.5)

    alike(make, cn.data.Dataset(DATA.inputs, DATA.targets.repeat(1, 3)))


class Same(cn.Module):
    """Its output is its input; a parameter that nobody uses."""

    def __init__(self):
        self.weight = cn.Parameter(torch.ones(3, dtype=torch.float64))

    def forward(self, input):
        return input

    def backward(self, grad_output):
        return grad_output


def test_an_output_that_is_the_input(alike):
    def make():
        model = cn.Sequential(Same())
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)

    alike(make, cn.data.Dataset(DATA.inputs, 1 - DATA.inputs), many=False)


class Given(cn.Module):
    """Its output is its weight."""

    def __init__(self):
        self.weight = cn.Parameter(torch.full((8, 1), 0.5, dtype=torch.float64))

    def forward(self, input):
        return self.weight[: len(input)]

    def backward(self, grad_output):
        self.weight.grad[: len(grad_output)] += grad_output
        return torch.zeros(len(grad_output), 2, dtype=torch.float64)


def test_an_output_that_is_a_weight(alike, chunks):
    def make():
        model = cn.Sequential(Given())
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)

    alike(make, DATA, many=False)


def test_a_parameter_that_gets_no_gradient(alike):
    alike(build(Same, weight_decay=0.1), DATA)


@pytest.mark.parametrize("trained_part", [0, 2])
def test_gradients_of_parameters_that_nobody_trains_add_up(trained_part, alike):
    def make():
        model, loss, _ = build()()
        return model, loss, cn.SGD(model[trained_part].parameters(), lr=0.1)

    alike(make, DATA)


def test_one_half_after_the_other(trained):
    def train(engine):
        model, loss, _ = build()()
        for part in (model[0], model[2], model[0]):
            half = cn.SGD(part.parameters(), lr=0.1, momentum=0.9)
            cn.fit(model, loss, half, DATA, epochs=2, batch_size=8, engine=engine, progress=False)
        return model.state_dict()

    torch.manual_seed(0)
    plain = train("plain")
    torch.manual_seed(0)
    torch.testing.assert_close(train("compiled"), plain, rtol=1e-11, atol=1e-12)


def test_data_that_lie_otherwise_are_taken_as_they_are():
    columns = DATA.inputs.T.contiguous().T
    plain, compiled = build()(), build()()
    for mine, theirs in zip(plain[0].parameters(), compiled[0].parameters(), strict=True):
        mine.copy_(theirs)
    engine = Compiled(Learner(*compiled))
    for inputs in (DATA.inputs, columns, DATA.inputs, columns):
        for _ in engine.steps(inputs, DATA.targets, 8):
            pass
        for batch in zip(inputs.split(8), DATA.targets.split(8), strict=True):
            train_step(*plain, *batch)
    torch.testing.assert_close(compiled[0].state_dict(), plain[0].state_dict(), rtol=1e-11, atol=1e-12)


def test_nothing_grows_from_epoch_to_epoch():
    model, loss, optimizer = build(lambda: cn.Dropout(0.2))()
    engine = Compiled(Learner(model, loss, optimizer))

    def epochs(number):
        for epoch in range(number):
            engine.refresh()
            for _ in engine.steps(*DATA.shuffled(0, epoch), 8):
                pass
        return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects()), resource.getrusage(
            resource.RUSAGE_SELF
        ).ru_maxrss

    tensors, memory = epochs(20)
    again, more = epochs(500)
    assert again == tensors
    assert more - memory < 2000  # kB


def test_a_training_at_its_end_is_still_compiled(trained, chunks):
    """Where the terms of a gradient cancel out, rounding is all that is left of it."""
    inputs = DATA.inputs.float()
    data = cn.data.Dataset(inputs, inputs @ torch.tensor([[1.0], [-2.0]]))

    def make():
        model = cn.Sequential(cn.Linear(2, 1))
        model[0].weight.copy_(torch.tensor([[1.0, -2.0]])).add_(1e-7)
        model[0].bias.fill_(1e-8)
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.01, momentum=0.9)

    history = trained(make, "compiled", data, epochs=3, batch_size=7).history
    assert history.engine == "compiled"
    assert len(chunks) > 1
