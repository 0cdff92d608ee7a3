"""An optimizer has no gradient to prove, but it must go down, however parameters are laid out."""

import pytest

import corenet as cn
from corenet.testing.descent import descends


class Climbs(cn.SGD):
    def update(self, param, grad, state):
        super().update(param, -grad, state)


class Rests(cn.SGD):
    def update(self, param, grad, state): ...


class MixesElements(cn.Optimizer):
    """Divides by the norm of all it is given, and so is not elementwise."""

    elementwise = True

    def update(self, param, grad, state):
        param -= self.current_lr * grad / grad.norm()


class NormOfEach(MixesElements):
    elementwise = False


class BecomesNaN(cn.SGD):
    def update(self, param, grad, state):
        param.fill_(float("nan"))


@pytest.mark.parametrize("optimizer", [cn.SGD, NormOfEach])
def test_a_sound_optimizer_descends(optimizer):
    assert descends(optimizer) is None


@pytest.mark.parametrize("optimizer", [Climbs, Rests, BecomesNaN])
def test_no_descent_is_said_with_both_values(optimizer):
    assert "no descent" in descends(optimizer)
    assert "in 50 steps at lr 0.01" in descends(optimizer)


def test_an_optimizer_wrongly_called_elementwise_is_caught():
    assert descends(MixesElements) == (
        "parameters end elsewhere when optimized together than when optimized each alone"
    )
