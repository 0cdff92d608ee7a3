"""How weights start: each distribution by its moments and its bounds."""

from math import sqrt

import pytest
import torch

import corenet as cn
from corenet.builtin.initializers import INITIALIZERS, initializer

FAN_IN, FAN_OUT = 200, 300

BOUNDS = {
    "uniform": 1 / sqrt(FAN_IN),
    "xavier_uniform": sqrt(6 / (FAN_IN + FAN_OUT)),
    "he_uniform": sqrt(6 / FAN_IN),
}
DEVIATIONS = {
    "xavier_normal": sqrt(2 / (FAN_IN + FAN_OUT)),
    "he_normal": sqrt(2 / FAN_IN),
    "normal": 1.0,
}


def drawn(name):
    linear = cn.Linear(FAN_IN, FAN_OUT, init=name, dtype=torch.float64)
    return linear.weight, linear.bias


def test_every_initializer_is_in_a_table_here():
    assert set(INITIALIZERS) == {*BOUNDS, *DEVIATIONS, "zeros"}


@pytest.mark.parametrize(("name", "bound"), BOUNDS.items())
def test_uniform_initializers_fill_their_interval_evenly(name, bound):
    weight, _ = drawn(name)
    assert weight.abs().max().item() <= bound
    assert weight.max().item() == pytest.approx(bound, rel=1e-3)
    assert weight.min().item() == pytest.approx(-bound, rel=1e-3)
    assert weight.mean().item() == pytest.approx(0, abs=0.01 * bound)
    assert weight.std().item() == pytest.approx(bound / sqrt(3), rel=0.01)


@pytest.mark.parametrize(("name", "deviation"), DEVIATIONS.items())
def test_normal_initializers_have_their_variance_and_tails(name, deviation):
    weight, _ = drawn(name)
    assert weight.mean().item() == pytest.approx(0, abs=0.02 * deviation)
    assert weight.std().item() == pytest.approx(deviation, rel=0.01)
    assert (weight.abs() > 2 * deviation).double().mean().item() == pytest.approx(0.0455, abs=0.005)


def test_zeros_are_zeros():
    weight, bias = drawn("zeros")
    assert weight.count_nonzero() == bias.count_nonzero() == 0


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_bias_is_zero_except_with_uniform(name):
    _, bias = drawn(name)
    if name == "uniform":
        assert 0 < bias.abs().max().item() <= 1 / sqrt(FAN_IN)
    else:
        assert bias.count_nonzero() == 0


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_layer_without_a_bias_is_drawn_too(name):
    assert cn.Linear(4, 3, bias=False, init=name).weight.isfinite().all()


def test_the_default_is_pytorchs_draw_for_draw():
    torch.manual_seed(5)
    ours = cn.Linear(7, 3)
    torch.manual_seed(5)
    theirs = torch.nn.Linear(7, 3)
    assert torch.equal(ours.weight, theirs.weight.detach())
    assert torch.equal(ours.bias, theirs.bias.detach())


def test_weights_draw_from_torchs_generator():
    torch.manual_seed(1)
    first = cn.Linear(3, 2).weight
    second = cn.Linear(3, 2).weight
    torch.manual_seed(1)
    assert torch.equal(cn.Linear(3, 2).weight, first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("name", "hint"), [("he_norm", r" \(did you mean 'he_normal'\?\)"), ("qqq", ""), (None, "")])
def test_an_unknown_initializer_is_refused_naming_the_known(name, hint):
    with pytest.raises(cn.ConfigError, match=rf"unknown initializer {name!r}{hint}; there are uniform, ") as caught:
        initializer(name)
    assert (caught.value.name, caught.value.value) == ("init", name)
    with pytest.raises(cn.ConfigError, match="unknown initializer"):
        cn.Linear(2, 2, init=name)
