"""Every engine trains networks of these modules alike, whole, and as PyTorch does."""

import logging

import corenet as cn
import pytest
import torch

import corenet_conv as conv

POINTS, BATCH, SIDE = 83, 10, 8  # the last batch of an epoch is smaller

NETWORKS = {
    "a sequence": lambda: [
        *(Images((2, 32)), conv.Conv1d(2, 5, 3, padding="same", padding_mode="circular"), cn.Tanh()),
        *(conv.MaxPool1d(2), conv.Conv1d(5, 1, 16), Images((1,)), cn.Sigmoid()),
    ],
    "an image": lambda: [
        *(Images((1, SIDE, SIDE)), conv.Conv2d(1, 4, 3, padding=1), cn.ReLU(), conv.MaxPool2d(2)),
        *(conv.ZeroPad2d(1), conv.Conv2d(4, 6, 3, stride=2, groups=2), cn.Tanh(), conv.AdaptiveAvgPool2d(1)),
        *(Images((6,)), cn.Linear(6, 1), cn.Sigmoid()),
    ],
    "there and back": lambda: [
        *(Images((1, SIDE, SIDE)), conv.Conv2d(1, 3, 2, padding="same"), conv.AvgPool2d(2), cn.Tanh()),
        *(conv.Upsample(scale_factor=2, mode="bilinear"), conv.ConvTranspose2d(3, 2, 2, stride=2, bias=False)),
        *(conv.Upsample(size=5), conv.Conv2d(2, 1, 5), Images((1,)), cn.Sigmoid()),
    ],
}
SINGLE_STEPS = "using single steps: not every kernel of it is known in C ("


class Images(cn.Module):
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
    inputs = torch.randn(POINTS, SIDE * SIDE, dtype=torch.float64)
    return cn.data.Dataset(inputs, (inputs[:, ::2].sum(1, keepdim=True) > 0).double())


def trained(network, engine):
    torch.manual_seed(1)
    model = cn.Sequential(*NETWORKS[network]()).to(dtype=torch.float64)
    optimizer = cn.SGD(model.parameters(), lr=0.2, momentum=0.5)
    history = cn.fit(model, cn.BCELoss(), optimizer, data(), epochs=4, batch_size=BATCH, engine=engine, progress=False)
    return model, history


@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize("network", NETWORKS)
def test_engines_agree_and_none_falls_back(network, engine, caplog):
    expected, plain = trained(network, "plain")
    with caplog.at_level(logging.INFO, logger="corenet"):
        found, history = trained(network, engine)
    said = {record.getMessage() for record in caplog.records}
    # Convolution and pooling stay calls of torch, which a loop in C cannot make.
    assert all(each.startswith(SINGLE_STEPS) for each in said)
    assert history.engine == engine
    torch.testing.assert_close(found.state_dict(), expected.state_dict(), rtol=1e-8, atol=1e-8)
    assert history.losses[-1] < plain.losses[0]
