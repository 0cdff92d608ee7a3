"""What a component is tried on: built from a case, drawn from its domain, the same each time."""

import pytest
import torch

import corenet as cn
from corenet.testing.support.drawing import AWAY_FROM_KINKS
from corenet.testing.support.trial import Trial, seeded


class Scale(cn.Module):
    """y = w x, one weight a feature."""

    def __init__(self, width: int):
        self.weight = cn.Parameter(torch.rand(width))

    def forward(self, input):
        self.save(input)
        return input * self.weight


# Building.


def test_a_module_is_built_in_float64_with_the_same_weights_each_time():
    trial = Trial(Scale, cn.Case({"width": 3}))
    one, other = trial.build(), trial.build()
    assert one is not other
    assert one.weight.dtype == torch.float64
    assert torch.equal(one.weight, other.weight)
    assert not torch.equal(one.weight, Trial(Scale, cn.Case({"width": 3}), seed=1).build().weight)


def test_a_constructor_that_refuses_its_case_says_so():
    class Fussy(cn.Module):
        def __init__(self, width: int):
            raise TypeError("not like this")

    with pytest.raises(cn.ConfigError, match=r"cannot build Fussy with .*not like this; give it a conformance_cases"):
        Trial(Fussy, cn.Case({"width": 3})).build()


def test_an_optimizer_is_built_over_parameters_with_settings_over_the_case():
    weight = cn.Parameter(torch.ones(2))
    optimizer = Trial(cn.SGD, cn.Case({"lr": 0.1, "momentum": 0.5})).optimizer([weight], momentum=0.9)
    assert (optimizer.lr, optimizer.momentum) == (0.1, 0.9)


def test_a_trial_is_named_by_its_arguments_and_shape():
    case = cn.Case({"p": 0.5, "weight": torch.ones(3)}, (2, 4))
    assert str(Trial(cn.Dropout, case)) == "Dropout(p=0.5, weight=tensor(3,)) on (2, 4)"


# Drawing.


def test_inputs_lie_in_their_domain_and_are_the_same_each_time():
    trial = Trial(cn.MSELoss, cn.Case(shape=(500, 2), domain=(3.0, 4.0), target_domain=(-1.0, 0.0)))
    input, target = trial.input(), trial.target()
    assert (input.shape, input.dtype) == ((500, 2), torch.float64)
    assert 3 <= input.min() < 3.05 < 3.95 < input.max() <= 4
    assert -1 <= target.min() < -0.95 < -0.05 < target.max() <= 0
    assert torch.equal(trial.input(), input)
    assert not torch.equal(trial.input(seed=1), input)
    assert trial.input((7,)).shape == (7,)


def test_inputs_keep_away_from_kinks():
    input = Trial(cn.ReLU, cn.Case(shape=(1000,), domain=(-2.0, 2.0), kinks=(0.0, 1.0))).input()
    for kink in (0, 1):
        assert (input - kink).abs().min() >= 4 * AWAY_FROM_KINKS - 1e-12
    assert (input < 0).any()
    assert (input > 0).any()


def test_class_indices_are_drawn_below_their_number():
    target = Trial(cn.MSELoss, cn.Case(shape=(200, 3), classes=3)).target()
    assert (target.shape, target.dtype) == ((200,), torch.int64)
    assert set(target.tolist()) == {0, 1, 2}


def test_seeded_leaves_torchs_generator_as_it_was():
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.rand(1)
    with seeded(3):
        assert torch.equal(torch.rand(1), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_gradient_is_examined_once():
    trial = Trial(cn.Tanh, cn.Case())
    assert trial.gradients.ok
    assert trial.gradients is trial.gradients
