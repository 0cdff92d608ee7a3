"""Every engine trains networks of these modules alike, running statistics included."""

import logging

import corenet as cn
import pytest
import torch

import corenet_norm as norm

POINTS, BATCH, WIDTH = 83, 10, 12  # the last batch of an epoch is smaller

NETWORKS = {
    "batches": lambda: [
        *(cn.Linear(WIDTH, 8), norm.BatchNorm1d(8), cn.ReLU(), cn.Linear(8, WIDTH)),
        *(Shaped((3, 2, 2)), norm.BatchNorm2d(3, momentum=None), Shaped((WIDTH,)), cn.Linear(WIDTH, 1), cn.Sigmoid()),
    ],
    "images": lambda: [
        *(cn.Linear(WIDTH, WIDTH), Shaped((3, 2, 2)), norm.InstanceNorm2d(3, affine=True, track_running_stats=True)),
        *(Shaped((WIDTH,)), cn.Tanh(), cn.Linear(WIDTH, 1), cn.Sigmoid()),
    ],
    "samples": lambda: [
        *(cn.Linear(WIDTH, 8), norm.LayerNorm(8), cn.Tanh(), cn.Linear(8, 6), norm.GroupNorm(2, 6)),
        *(cn.Tanh(), norm.RMSNorm(6), cn.Linear(6, 1), cn.Sigmoid()),
    ],
}


class Shaped(cn.Module):
    """Rows as images, or the other way round."""

    def __init__(self, shape):
        self.shape = shape

    def forward(self, input):
        self.save(input.shape)
        return input.reshape(len(input), *self.shape)

    def backward(self, grad_output):
        (shape,) = self.saved()
        return grad_output.reshape(shape)


def data():
    torch.manual_seed(5)
    inputs = 3 + 2 * torch.randn(POINTS, WIDTH, dtype=torch.float64)
    return cn.data.Dataset(inputs, (inputs[:, ::2].mean(1, keepdim=True) > 3).double())


def trained(network, engine, frozen=False):
    torch.manual_seed(1)
    model = cn.Sequential(*NETWORKS[network]()).to(dtype=torch.float64)
    if frozen:
        model[1].freeze()
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.5)
    history = cn.fit(model, cn.BCELoss(), optimizer, data(), epochs=6, batch_size=BATCH, engine=engine, progress=False)
    return model, history


@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize("network", NETWORKS)
def test_engines_agree_and_none_falls_back(network, engine, caplog):
    expected, plain = trained(network, "plain")
    with caplog.at_level(logging.INFO, logger="corenet"):
        found, history = trained(network, engine)  # a fallback to the plain step is a warning, and so an error here
    assert {record.getMessage() for record in caplog.records} == set()
    assert history.engine == engine
    torch.testing.assert_close(found.state_dict(), expected.state_dict(), rtol=1e-8, atol=1e-8)
    assert history.losses[-1] < 0.9 * plain.losses[0]


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_what_is_frozen_stays_and_the_rest_trains(engine):
    model, history = trained("batches", engine, frozen=True)
    assert (model[1].running_mean.tolist(), model[1].num_batches_tracked.item()) == ([0] * 8, 0)
    assert model[1].weight.tolist() == [1] * 8
    assert model[5].num_batches_tracked.item() == 6 * 9
    assert history.losses[-1] < 0.9 * history.losses[0]
