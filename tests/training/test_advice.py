"""Advice: each kind where it is due, once and with a fix, none where it is not, and nothing left behind."""

import warnings
from time import perf_counter

import pytest
import torch

import corenet as cn
from corenet.history import Epoch, History
from corenet.training.advice import after, before

LOSS = cn.MSELoss()


def network(*between, width=8, features=2):
    return cn.Sequential(cn.Linear(features, width), cn.ReLU(), cn.Linear(width, 1), *between)


def kinds(advice):
    return [each.kind for each in advice]


def ignorant(*between):
    """Return a network that says the same of every point."""
    model = network(*between)
    model[2].weight.zero_()
    model[2].bias.zero_()
    return model


def data_of(targets, inputs=None):
    return cn.data.Dataset(torch.randn(len(targets), 2) if inputs is None else inputs, targets)


def test_inputs_that_are_not_standardised():
    inputs = torch.randn(500, 2) + torch.tensor([0.0, 300.0])
    data = data_of(torch.randn(500, 1), inputs)
    (found,) = before(network(), LOSS, data)
    assert found.kind == "not_standardised"
    assert "feature 1 are about 300" in str(found)
    assert "train.normalized()" in str(found)
    assert kinds(before(network(), LOSS, data.normalized())) == []

    class Normalises(cn.Module):
        def __init__(self):
            self.weight = cn.Parameter(torch.ones(2))

    assert kinds(before(cn.Sequential(Normalises(), *network()), LOSS, data)) == []


@pytest.mark.parametrize(
    ("last", "targets", "due"),
    [
        (cn.Sigmoid(), [-1.0, 1.0], True),
        (cn.Sigmoid(), [0.0, 1.0], False),
        (cn.Tanh(), [-1.0, 1.0], False),
        (cn.Tanh(), [-1.0, 1.5], True),
        (cn.ReLU(), [0.0, 1e6], False),
        (cn.ReLU(), [-0.1, 1.0], True),
        (cn.Linear(1, 1), [-1e6, 1e6], False),
    ],
)
def test_targets_that_the_last_module_cannot_give(last, targets, due):
    data = data_of(torch.tensor(targets).repeat(5)[:, None])
    assert kinds(before(network(last), LOSS, data)) == ["target_out_of_range"] * due


def test_classes_that_are_very_uneven():
    classes = (torch.arange(1000) >= 970).long()[torch.randperm(1000)]
    (found,) = before(network(), cn.CrossEntropyLoss(), data_of(classes))
    assert (found.kind, "97.0% of the targets are 0" in str(found)) == ("uneven_classes", True)
    assert kinds(before(network(), cn.BCELoss(), data_of(classes[:, None].float()))) == ["uneven_classes"]
    weighted = cn.CrossEntropyLoss(weight=torch.tensor([1.0, 30.0]))
    assert kinds(before(network(), weighted, data_of(classes))) == []
    assert kinds(before(network(), cn.CrossEntropyLoss(), data_of(torch.arange(1000) % 3))) == []
    assert kinds(before(network(), LOSS, data_of(torch.randn(1000, 1)))) == []


def history(losses, valid):
    return History(
        [Epoch(n, a, 0.1, 0.0, {}, {"loss": b}) for n, (a, b) in enumerate(zip(losses, valid, strict=True), 1)]
    )


def test_a_validation_loss_that_rises():
    data, falls = data_of(torch.randn(9, 1)), [1 / n for n in range(1, 21)]
    rises = [1.0, 0.6, 0.4] + [0.4 + 0.02 * n for n in range(17)]
    (found,) = after(network(), LOSS, data, history(falls, rises))
    assert found.kind == "validation_loss_rising"
    assert "least after epoch 3, 0.4, and has risen to 0.72" in str(found)
    for callbacks, valid in (((cn.EarlyStopping(),), rises), ((), falls), ((), [0.4] * 20)):
        assert kinds(after(network(), LOSS, data, history(falls, valid), callbacks)) == []


def fitted(model, data, **options):
    """Train, and return the kinds of what was warned of."""
    optimizer = cn.SGD(model.parameters(), lr=options.pop("lr", 1e-8))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", cn.AdviceWarning)
        cn.fit(model, options.pop("loss", LOSS), optimizer, data, epochs=20, batch_size=50, progress=False, **options)
    assert all(each.filename == __file__ for each in caught)  # at the call of fit
    return [each.message.kind for each in caught]


def test_a_loss_that_does_not_move_and_why():
    inputs = torch.randn(200, 2)
    data = cn.data.Dataset(inputs, inputs.sum(1, keepdim=True).sign().relu())
    assert fitted(ignorant(), data) == ["flat_loss"]
    dead = network()
    dead[0].bias.fill_(-100.0)
    assert fitted(dead, data) == ["flat_loss", "dead_units"]
    saturated = network(cn.Sigmoid())
    saturated[2].bias.fill_(-100.0)
    assert fitted(saturated, data) == ["flat_loss", "saturated"]


def test_one_that_was_trained_before_or_has_nothing_to_learn_is_no_matter():
    data = data_of(torch.randn(200, 1))
    model = cn.Linear(2, 1)
    known = cn.data.Dataset(data.inputs, cn.predict(model, data) + 0.1 * torch.randn(200, 1))
    assert fitted(model, known) == []
    assert fitted(cn.Linear(2, 1, init="zeros"), data_of(torch.ones(200, 1))) == []


def test_nothing_is_left_behind_and_the_filters_turn_it_off():
    inputs = torch.randn(200, 2)
    data, model = cn.data.Dataset(inputs, inputs[:, :1]), ignorant(cn.Dropout(0.5))
    drawn = torch.get_rng_state()
    assert fitted(model, data) == ["flat_loss"]
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(module.training for _, module in model.named_modules())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cn.AdviceWarning)
        optimizer = cn.SGD(model.parameters(), lr=1e-8)
        cn.fit(model, LOSS, optimizer, data, epochs=20, batch_size=50, progress=False)  # a warning is an error here


@pytest.mark.parametrize("name", ["digits", "iris", "breast_cancer", "wine", "diabetes", "moons", "spirals", "sine"])
def test_no_alarm_on_tables(name):
    pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    table = cn.table(name)
    train, valid, _ = table.split()
    features, outputs = table.coding.in_features, table.coding.out_features
    model = cn.Sequential(cn.Linear(features, 32), cn.ReLU(), cn.Linear(32, outputs))
    loss = cn.CrossEntropyLoss() if table.coding.classes else cn.MSELoss()
    optimizer = cn.Adam(model.parameters(), lr=0.005)
    cn.fit(model, loss, optimizer, train, valid, epochs=15, batch_size=32, progress=False)  # a warning is an error here


def test_it_is_cheap():
    data, model = (
        data_of((torch.arange(1000) % 2).float()[:, None], torch.rand(1000, 30)),
        network(cn.Sigmoid(), features=30),
    )
    seconds = []
    for _ in range(50):
        start = perf_counter()
        list(before(model, cn.BCELoss(), data))
        seconds.append(perf_counter() - start)
    assert min(seconds) < 1e-3  # a tenth of that on a machine that does nothing else
