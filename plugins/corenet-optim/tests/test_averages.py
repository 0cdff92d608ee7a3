"""SWA and EMA of a training's weights, against PyTorch's averaged model."""

import corenet as cn
import pytest
import torch
from torch.optim import swa_utils

from corenet_optim import EMA, SWA

EPOCHS = 7


class Kept(cn.Callback):
    """Keep the weights after each epoch."""

    def begin(self, training):
        self.weights = []

    def after_epoch(self, training):
        self.weights.append(training.model.state_dict())


class Counting(cn.Module):
    """Keep a running mean of its input, and count its calls in training mode."""

    def __init__(self):
        self.mean = cn.Buffer(torch.zeros((), dtype=torch.float64))
        self.calls = cn.Buffer(torch.zeros((), dtype=torch.int64))

    def forward(self, input):
        if self.training:
            self.mean.lerp_(input.mean(), 0.1)
            self.calls.add_(1)
        return input

    def backward(self, grad_output):
        return grad_output


def trained(*callbacks, dtype=torch.float64, epochs=EPOCHS, engine="auto", model=None):
    torch.manual_seed(2)
    model = cn.Sequential(cn.Linear(2, 4), cn.Tanh(), cn.Linear(4, 1)) if model is None else model()
    model = model.to(dtype=dtype)
    data = cn.data.disk(40, seed=0)
    data = cn.data.Dataset(data.inputs.to(dtype), data.targets.to(dtype))
    optimizer = cn.SGD(model.parameters(), lr=0.3, momentum=0.5)
    settings = {"epochs": epochs, "batch_size": 8, "seed": 4, "progress": False, "engine": engine}
    history = cn.fit(model, cn.MSELoss(), optimizer, data, callbacks=callbacks, **settings)
    assert len(history) == epochs
    return model


@pytest.fixture
def _shares_in_float64():
    """Let PyTorch compute by how much each epoch counts in float64."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(usual)


def averaged_by_torch(states, averaging):
    """Return the average of states of our network, each loaded into PyTorch's one after the other."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    averaged = swa_utils.AveragedModel(network, multi_avg_fn=averaging)
    for state in states:
        network.load_state_dict(state)
        averaged.update_parameters(network)
    return {name: each.detach() for name, each in averaged.module.state_dict().items()}


@pytest.mark.parametrize(("start", "every"), [(1, 1), (4, 1), (2, 3), (EPOCHS, 1)])
@pytest.mark.usefixtures("_shares_in_float64")
def test_swa_is_pytorchs(start, every):
    kept, swa = Kept(), SWA(start, every)
    found = trained(kept, swa).state_dict()
    states = kept.weights[start - 1 :: every]
    expected = averaged_by_torch(states, swa_utils.get_swa_multi_avg_fn())
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert swa.count == len(states)
    torch.testing.assert_close(swa.average, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("decay", "start"), [(0.9, 1), (0.3, 3), (0.0, 2)])
def test_ema_is_pytorchs(decay, start):
    kept, ema = Kept(), EMA(decay, start)
    found = trained(kept, ema).state_dict()
    expected = averaged_by_torch(kept.weights[start - 1 :], swa_utils.get_ema_multi_avg_fn(decay))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("callback", [SWA(start=3), EMA(0.5)], ids=["swa", "ema"])
def test_the_training_itself_stays_as_it_is_and_a_second_one_begins_anew(callback):
    alone, beside = Kept(), Kept()
    trained(alone)
    first = trained(beside, callback).state_dict()
    torch.testing.assert_close(beside.weights, alone.weights, rtol=0, atol=0)
    torch.testing.assert_close(trained(callback).state_dict(), first, rtol=0, atol=0)
    assert not torch.equal(first["0.weight"], alone.weights[-1]["0.weight"])


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_each_engine_ends_with_the_average(engine):
    expected = trained(SWA(start=3), engine="plain").state_dict()
    torch.testing.assert_close(trained(SWA(start=3), engine=engine).state_dict(), expected, rtol=1e-9, atol=1e-9)


def test_before_the_first_epoch_that_counts_there_is_no_average():
    kept, swa = Kept(), SWA(start=EPOCHS + 1)
    model = trained(kept, swa)
    torch.testing.assert_close(model.state_dict(), kept.weights[-1], rtol=0, atol=0)
    assert (swa.average, swa.count) == (None, 0)


def test_bfloat16_is_averaged_in_float32():
    kept, swa = Kept(), SWA()
    model = trained(kept, swa, dtype=torch.bfloat16)
    mean = torch.stack([each["0.weight"].double() for each in kept.weights]).mean(0)
    torch.testing.assert_close(swa.average["0.weight"].double(), mean, rtol=1e-6, atol=1e-6)
    assert torch.equal(model[0].weight, swa.average["0.weight"].bfloat16())


def test_buffers_are_averaged_and_counts_are_those_at_the_end():
    kept = Kept()
    model = trained(kept, SWA(start=5), model=lambda: cn.Sequential(Counting(), cn.Linear(2, 1)), engine="plain")
    mean = torch.stack([each["0.mean"] for each in kept.weights[4:]]).mean()
    torch.testing.assert_close(model[0].mean, mean)
    assert model[0].calls.item() == EPOCHS * 5


def test_the_loss_is_averaged_too():
    class Scaled(cn.MSELoss):
        def __init__(self):
            super().__init__()
            self.scale = cn.Parameter(torch.tensor(2.0))

    class Halving(cn.Callback):
        def after_epoch(self, training):
            training.loss.scale.mul_(0.5)

    model, loss = cn.Linear(2, 1), Scaled()
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    settings = {"epochs": 3, "batch_size": 10, "progress": False, "engine": "plain"}
    cn.fit(model, loss, optimizer, cn.data.disk(20, seed=0), callbacks=[Halving(), SWA()], **settings)
    assert loss.scale.item() == pytest.approx((1 + 0.5 + 0.25) / 3)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SWA(start=0), r"^SWA: start must be an integer ≥ 1, not 0$"),
        (lambda: SWA(every=1.5), r"^SWA: every must be an integer ≥ 1, not 1\.5$"),
        (lambda: EMA(decay=1.01), r"^EMA: decay must be a finite number from 0 to 1, not 1\.01$"),
        (lambda: EMA(start=True), r"^EMA: start must be an integer ≥ 1, not True$"),
    ],
)
def test_wrong_settings_are_refused(build, message):
    with pytest.raises(cn.ConfigError, match=message):
        build()
