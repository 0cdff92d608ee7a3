"""The range test finds a rate that trains, and leaves all that it was given as it was, bit for bit."""

import copy

import pytest
import torch

import corenet as cn
from corenet.tables.toys import moons


def learner(seed, optimizer=cn.SGD, **settings):
    torch.manual_seed(seed)
    model = cn.Sequential(cn.Linear(2, 20), cn.Tanh(), cn.Dropout(0.2), cn.Linear(20, 1), cn.Sigmoid())
    return model, cn.BCELoss(), optimizer(model.parameters(), **settings)


def tensors(model, optimizer):
    """Return every number there is: weights, gradients, state, settings, modes."""
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    modes = [module.training for _, module in model.named_modules()]
    return copy.deepcopy((model.state_dict(), gradients, optimizer.state_dict(), optimizer.lr, optimizer.steps, modes))


def same(one, another):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, another)
    if isinstance(one, dict):
        return one.keys() == another.keys() and all(same(one[key], another[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(another) and all(map(same, one, another))
    return one == another


def test_nothing_is_changed_and_the_training_goes_on_as_if_it_had_not_been():
    data, seed = cn.data.disk(200, seed=0), int(torch.randint(2**31, ()))
    arguments = {"lr": 0.05, "schedule": lambda step: min(1, step / 10), "weight_decay": 0.01}
    (model, loss, optimizer), twin = (learner(seed, cn.Adam, **arguments) for _ in range(2))
    for each in ((model, loss, optimizer), twin):
        cn.fit(*each, data, epochs=1, batch_size=50, progress=False)
    model.eval()
    before, drawn = tensors(model, optimizer), torch.get_rng_state()
    cn.lr_find(model, loss, optimizer, data, batch_size=50, steps=30)
    assert same(tensors(model, optimizer), before)
    assert torch.equal(torch.get_rng_state(), drawn)
    model.train()
    for each in ((model, loss, optimizer), twin):
        cn.fit(*each, data, epochs=3, initial_epoch=1, batch_size=50, progress=False)
    assert same(tensors(model, optimizer), tensors(twin[0], twin[2]))


def test_the_suggestion_trains_and_the_rates_are_even_in_powers():
    data = moons(500, seed=int(torch.randint(2**31, ())))
    model, loss, optimizer = learner(0, cn.Adam, lr=1.0)
    found = cn.lr_find(model, loss, optimizer, data, batch_size=50, start=1e-5, end=1e3, steps=81)
    assert found.rates[:11:10] == pytest.approx([1e-5, 1e-4])
    assert len(found.rates) == len(found.losses) <= 81
    optimizer.lr = found.suggestion
    history = cn.fit(model, loss, optimizer, data, epochs=60, batch_size=50, progress=False)
    assert history[-1].loss < 0.5 * history[0].loss


def test_a_line_by_hand():
    """One weight w, loss (w − 1)², full batches: each step multiplies the error by 1 − 2 η."""
    model = cn.Linear(1, 1, bias=False, init="zeros")
    data = cn.data.Dataset(torch.ones(2, 1), torch.ones(2, 1))
    optimizer = cn.SGD(model.parameters(), lr=7.0, lr_decay=0.5)
    found = cn.lr_find(model, cn.MSELoss(), optimizer, data, batch_size=2, start=0.01, end=0.25, steps=5)
    error, mean, expected = 1.0, 0.0, []
    for step, rate in enumerate(found.rates, 1):
        mean = 0.9 * mean + 0.1 * error**2
        expected.append(mean / (1 - 0.9**step))
        error *= 1 - 2 * rate
    assert found.losses == pytest.approx(expected, rel=1e-5)
    assert optimizer.lr == 7.0


def test_groups_keep_the_ratio_of_their_rates():
    weight, bias = cn.Linear(1, 1, bias=False, init="zeros"), cn.Linear(1, 1, bias=False, init="zeros")
    model = cn.Sequential(weight, bias)
    groups = [{"params": weight.parameters()}, {"params": bias.parameters(), "lr": 0.2}]
    optimizer = cn.SGD(groups, lr=0.1)
    data = cn.data.Dataset(torch.ones(2, 1), torch.ones(2, 1))
    cn.lr_find(model, cn.MSELoss(), optimizer, data, batch_size=2, steps=3)
    assert (optimizer.lr, optimizer.groups[1]["lr"]) == (0.1, 0.2)


def test_it_ends_where_the_loss_grows_and_says_so_where_it_never_falls():
    data = cn.data.Dataset(torch.randn(20, 1), torch.zeros(20, 1))
    model = cn.Linear(1, 1, init="zeros")  # which is at the least loss already
    found = cn.lr_find(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data, batch_size=5)
    assert (found.suggestion, "never fell" in repr(found)) == (None, True)
    assert "the loss never fell" in found._repr_html_()
    model = cn.Linear(1, 1)
    found = cn.lr_find(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data, batch_size=5, end=1e30)
    assert found.rates[-1] < 1e6
    assert "<polyline" in found._repr_html_()


def test_two_steps_are_enough():
    model, data = cn.Linear(1, 1), cn.data.Dataset(torch.randn(4, 1), torch.zeros(4, 1))
    found = cn.lr_find(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data, batch_size=2, steps=2, end=1e-5)
    assert len(found.rates) == len(found.losses) == 2


def test_what_cannot_be_is_refused():
    data = cn.data.disk(20, seed=0)
    for wrong in ({"start": 0.0}, {"start": 1.0, "end": 0.1}, {"steps": 1}, {"batch_size": 0}, {"end": float("nan")}):
        with pytest.raises(cn.ConfigError):
            cn.lr_find(*learner(0, lr=0.1), data, **({"batch_size": 5} | wrong))
    model = cn.Sequential(cn.Linear(2, 1))
    model[0].weight.fill_(float("inf"))
    with pytest.raises(cn.NonFiniteError):
        cn.lr_find(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data, batch_size=5)


@pytest.mark.parametrize("steps", [3, 9])
def test_it_ends_before_the_first_loss_that_is_not_finite(steps):
    """The first step, at a rate of 10²⁰, leads to a loss beyond single precision."""
    model, data = cn.Linear(1, 1), cn.data.Dataset(torch.randn(8, 1), torch.ones(8, 1))
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    found = cn.lr_find(model, cn.MSELoss(), optimizer, data, batch_size=4, start=1e20, end=1e21, steps=steps)
    assert (found.rates, len(found.losses), found.suggestion) == ((1e20,), 1, None)
    assert found.losses[0] < 100
