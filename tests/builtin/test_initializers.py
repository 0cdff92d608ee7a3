"""How weights start: each distribution by its moments and its bounds."""

import math
from math import sqrt

import pytest
import torch

import corenet as cn
from corenet.registry.registry import builtins

FAN_IN, FAN_OUT = 200, 300
INITIALIZERS = [row.name for row in builtins().components("initializer")]

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
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 5), (5, 1), (1, 1)])
def test_a_layer_of_one_input_or_one_output_is_drawn_too(name, inputs, outputs):
    weight = cn.Linear(inputs, outputs, init=name).weight
    assert weight.shape == (outputs, inputs)
    assert weight.isfinite().all()
    assert weight.abs().max() < 10


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


@pytest.mark.parametrize(("name", "hint"), [("he_norm", r" \(did you mean 'he_normal'\?\)"), ("qqq", "")])
def test_an_unknown_initializer_is_refused_naming_the_closest(name, hint):
    with pytest.raises(cn.UnknownComponentError, match=rf"there is no initializer {name!r}{hint}; ") as caught:
        cn.Linear(2, 2, init=name)
    assert caught.value.name == name


@pytest.mark.parametrize("init", [None, 3, cn.HeNormal])
def test_what_is_neither_a_name_nor_a_function_is_refused(init):
    with pytest.raises(cn.ConfigError, match="init takes the name of an initializer or a function") as caught:
        cn.Linear(2, 2, init=init)
    assert (caught.value.name, caught.value.value) == ("init", init)


@pytest.mark.parametrize("init", [lambda weight: weight.fill_(0.3), cn.Normal(0.3, 0.0), "corenet:normal"])
def test_a_function_an_instance_and_a_qualified_name_fill_the_weight(init):
    linear = cn.Linear(3, 2, init=init)
    if init != "corenet:normal":
        assert torch.equal(linear.weight, torch.full((2, 3), 0.3))
    assert linear.bias.tolist() == [0.0, 0.0]


def test_reset_parameters_draws_as_init_says():
    linear = cn.Linear(40, 30, init=cn.Normal(5.0, 0.1))
    before = linear.weight.clone()
    linear.reset_parameters()
    assert not torch.equal(linear.weight, before)
    assert linear.weight.mean().item() == pytest.approx(5.0, abs=0.02)


@pytest.mark.parametrize(
    ("initializer", "theirs"),
    [
        (cn.XavierUniform(), torch.nn.init.xavier_uniform_),
        (cn.XavierNormal(), torch.nn.init.xavier_normal_),
        (cn.HeUniform(), lambda weight: torch.nn.init.kaiming_uniform_(weight, nonlinearity="relu")),
        (cn.HeNormal(), lambda weight: torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")),
        (cn.Uniform(), lambda weight: torch.nn.init.kaiming_uniform_(weight, a=sqrt(5))),
        (cn.Normal(0.4, 1.3), lambda weight: torch.nn.init.normal_(weight, 0.4, 1.3)),
    ],
)
def test_a_filter_is_filled_as_by_pytorch(initializer, theirs):
    ours, expected = torch.empty(5, 3, 4, 2), torch.empty(5, 3, 4, 2)
    torch.manual_seed(7)
    initializer(ours)
    torch.manual_seed(7)
    theirs(expected)
    assert torch.allclose(ours, expected, rtol=1e-6)


@pytest.mark.parametrize("initializer", [cn.Uniform(), cn.HeNormal(), cn.XavierUniform()])
def test_a_weight_without_fans_is_refused(initializer):
    with pytest.raises(cn.ShapeError, match=r"got \(4,\)"):
        initializer(torch.empty(4))


@pytest.mark.parametrize("settings", [{"std": -1.0}, {"std": torch.inf}, {"mean": torch.nan}, {"mean": "0"}])
def test_numbers_that_no_distribution_has_are_refused(settings):
    with pytest.raises(cn.ConfigError, match="Normal: ") as caught:
        cn.Normal(**settings)
    assert caught.value.name in settings


@pytest.mark.parametrize(
    "init",
    [
        lambda weight: torch.ones_like(weight),
        lambda weight: weight * 2,
        lambda weight: weight[0].fill_(1.0),
        lambda weight: weight.fill_(math.nan),
        lambda weight: weight.data.resize_(2, 2).fill_(1.0),
    ],
)
def test_a_function_that_does_not_fill_the_weight_is_refused(init):
    with pytest.raises(cn.ConfigError, match=r"does not fill the whole weight \(3, 2\) in place"):
        cn.Linear(2, 3, init=init)
