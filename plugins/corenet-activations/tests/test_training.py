"""A small network with each activation trains alike by every engine, and by none but the one that was asked for."""

import copy

import corenet as cn
import pytest
import torch

import corenet_activations as ca

MODULES = [
    ca.LeakyReLU(0.1),
    ca.PReLU(6),
    ca.ELU(0.7),
    ca.SELU(),
    ca.GELU(),
    ca.GELU("tanh"),
    ca.SiLU(),
    ca.Mish(),
    ca.Hardswish(),
    ca.Softplus(2.0, 3.0),
    ca.Softsign(),
    ca.Hardtanh(-0.8, 0.9),
    ca.GLU(),
]


def network(activation):
    torch.manual_seed(3)
    widths = (6, 3) if isinstance(activation, ca.GLU) else (6, 6)
    model = cn.Sequential(cn.Linear(2, widths[0]), copy.deepcopy(activation), cn.Linear(widths[1], 1), cn.Sigmoid())
    return model.to(dtype=torch.float64)


def trained(activation, engine):
    model, data = network(activation), cn.data.disk(83, seed=0)  # the last batch of an epoch is smaller
    data = cn.data.Dataset(3 * data.inputs.double(), data.targets.double())
    optimizer = cn.SGD(model.parameters(), lr=0.2, momentum=0.9)
    settings = {"epochs": 6, "batch_size": 10, "seed": 1, "progress": False, "engine": engine}
    history = cn.fit(model, cn.BCELoss(), optimizer, data, **settings)  # a fallback is a warning, hence an error
    assert history.engine == engine
    return model.state_dict()


@pytest.mark.parametrize("activation", MODULES, ids=repr)
def test_engines_agree(activation):
    plain = trained(activation, "plain")
    assert not torch.equal(plain["0.weight"], network(activation)[0].weight)
    for engine in ("replay", "compiled"):
        found = trained(activation, engine)
        assert found.keys() == plain.keys()
        for name, value in plain.items():
            torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9)
