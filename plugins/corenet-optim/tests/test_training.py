"""A small network trains alike by every engine and optimizer, whole, and by none but the engine that was asked for."""

import logging

import corenet as cn
import pytest
import torch

import corenet_optim as co

ELEMENTWISE = {
    "adagrad": lambda own: co.Adagrad(own, lr=0.1, lr_decay=0.01, weight_decay=0.01, initial_accumulator_value=0.1),
    "adadelta": lambda own: co.Adadelta(own, rho=0.8, eps=1e-4, weight_decay=0.01),
    "rmsprop": lambda own: co.RMSprop(own, lr=0.01, alpha=0.9, weight_decay=0.01),
    "rmsprop, centred with momentum": lambda own: co.RMSprop(own, lr=0.003, momentum=0.5, centered=True),
    "adamax": lambda own: co.Adamax(own, lr=0.02, betas=(0.8, 0.95), weight_decay=0.01),
    "nadam": lambda own: co.NAdam(own, lr=0.02, weight_decay=0.01),
    "nadam, decoupled": lambda own: co.NAdam(own, lr=0.02, weight_decay=0.1, decoupled_weight_decay=True),
    "radam": lambda own: co.RAdam(own, lr=0.05, weight_decay=0.01),
    "radam, decoupled": lambda own: co.RAdam(own, lr=0.05, weight_decay=0.1, decoupled_weight_decay=True),
    "lion": lambda own: co.Lion(own, lr=0.01, weight_decay=0.1),
}
LAYERWISE = {
    "lars": lambda own: co.LARS(own, lr=3.0, momentum=0.8, weight_decay=0.01, trust_coefficient=0.01),
    "lamb": lambda own: co.LAMB(own, lr=0.02, betas=(0.8, 0.95)),
    "muon": lambda own: co.Muon(own, lr=0.02, weight_decay=0.01),
}
MAKERS = ELEMENTWISE | LAYERWISE
SINGLE_STEPS = "using single steps: not every kernel of it is known in C ("


SETTINGS = {"epochs": 6, "batch_size": 10, "seed": 1, "progress": False}


def network(dtype=torch.float64, seed=3):
    torch.manual_seed(seed)
    return cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1), cn.Sigmoid()).to(dtype=dtype)


def points(dtype=torch.float64):
    data = cn.data.disk(83, seed=0)  # the last batch of an epoch is smaller
    return cn.data.Dataset(3 * data.inputs.to(dtype), data.targets.to(dtype))


def trained(make, engine, dtype=torch.float64):
    model = network(dtype)
    optimizer = make(model.parameters())
    history = cn.fit(model, cn.BCELoss(), optimizer, points(dtype), engine=engine, **SETTINGS)
    return model.state_dict(), optimizer.state_dict(), history


def in_groups(make):
    """Return a maker of the same optimizer, with clipping, a schedule, and a group that has a rate of its own."""

    def grouped(parameters):
        first, *rest = parameters
        optimizer = make([{"params": [first], "lr": 0.003}, {"params": rest}])
        optimizer.max_grad_norm, optimizer.schedule = 0.3, lambda step: 1 / (1 + step / 20)
        return optimizer

    return grouped


@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
@pytest.mark.parametrize("grouped", [False, True], ids=["", "grouped"])
@pytest.mark.parametrize("name", MAKERS)
def test_engines_agree_and_none_falls_back(name, grouped, dtype, tolerance, engine, caplog):
    make = in_groups(MAKERS[name]) if grouped else MAKERS[name]
    weights, state, plain = trained(make, "plain", dtype)
    with caplog.at_level(logging.INFO, logger="corenet"):
        found_weights, found_state, history = trained(make, engine, dtype)  # a fallback is a warning, hence an error
    is_odd = name == "muon" and engine == "compiled"  # products of bfloat16 are torch's
    assert len(caplog.messages) == is_odd
    assert all(each.startswith(SINGLE_STEPS) for each in caplog.messages)
    assert history.engine == engine
    close = {"rtol": tolerance, "atol": tolerance}
    torch.testing.assert_close(found_weights, weights, **close)
    torch.testing.assert_close(found_state["states"], state["states"], **close)
    assert history.losses[-1] < 0.99 * history.losses[0]
    assert plain.engine == "plain"


@pytest.mark.parametrize("name", MAKERS)
def test_a_round_is_a_training_of_its_own(name):
    def factory(number):
        model = network(seed=number)
        return model, cn.BCELoss(), MAKERS[name](model.parameters())

    for number, (model, _) in enumerate(cn.fit_rounds(factory, points(), rounds=3, **SETTINGS)):
        alone, loss, optimizer = factory(number)
        settings = SETTINGS | {"seed": SETTINGS["seed"] + number}
        cn.fit(alone, loss, optimizer, points(), engine="plain", **settings)
        torch.testing.assert_close(model.state_dict(), alone.state_dict(), rtol=1e-8, atol=1e-8)
