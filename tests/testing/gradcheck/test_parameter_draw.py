"""The kit's parameters are away from ones and zeros, keep their signs, and leave a module in its domain."""

import torch

import corenet as cn
from corenet.testing import Case, check_component
from corenet.testing.gradcheck.parameter_draw import draw_parameters
from corenet.testing.support.trial import Trial


class Scale(cn.Module):
    """``y = a x + b`` with a = 1 and b = 0 at first."""

    def __init__(self, features: int):
        self.a = cn.Parameter(torch.ones(features))
        self.b = cn.Parameter(torch.zeros(features))

    def forward(self, input):
        self.save(input)
        return self.a * input + self.b

    def backward(self, grad_output):
        (input,) = self.saved()
        self.a.grad += (grad_output * input).reshape(-1, len(self.a)).sum(0)
        self.b.grad += grad_output.reshape(-1, len(self.a)).sum(0)
        return self.input_gradient(grad_output)

    def input_gradient(self, grad_output):
        return self.a * grad_output


class ForgetsItsGain(Scale):
    def input_gradient(self, grad_output):
        return grad_output


class SquaredShift(Scale):
    """``y = x + b²``: with b = 0 its gradient is 0 too."""

    def forward(self, input):
        self.save(input)
        return self.a * input + self.b.square()

    def backward(self, grad_output):
        (input,) = self.saved()
        self.a.grad += (grad_output * input).reshape(-1, len(self.a)).sum(0)
        return self.a * grad_output


class Mix(cn.Module):
    """``y = √(1 − a) x``, for a < 1."""

    def __init__(self):
        self.a = cn.Parameter(torch.tensor(0.95))

    def forward(self, input):
        self.save(input)
        return (1 - self.a).sqrt() * input

    def backward(self, grad_output):
        (input,) = self.saved()
        root = (1 - self.a).sqrt()
        self.a.grad -= (grad_output * input).sum() / (2 * root)
        return root * grad_output


class Exact(Mix):
    """Takes no other parameter than the one it starts with."""

    def forward(self, input):
        if abs(self.a.item() - 0.95) > 1e-3:
            raise cn.ConfigError("a is 0.95")
        return super().forward(input)


class Around(cn.Module):
    """A module around another, which its case shares."""

    def __init__(self, inner: cn.Module):
        self.inner = inner

    def forward(self, input):
        return self.inner(input)

    def backward(self, grad_output):
        return self.inner.backward(grad_output)


def test_every_element_is_away_from_ones_and_zeros_and_keeps_its_sign():
    layer = Scale(50)
    layer.a[:10], layer.a[10:20] = -1.0, 0.0
    draw_parameters(layer, (1.1, 1.6), seed=3)
    assert (layer.a[:10] <= -1.1).all()
    assert (layer.a[20:] >= 1.1).all()
    assert (layer.a[20:] <= 1.6).all()
    assert (layer.a[10:20].abs() > 0.05).all()
    assert (layer.b.abs() >= 0.1).all()
    assert (layer.b.abs() <= 0.3).all()
    assert len(set(layer.a.tolist())) == 50


def test_a_trial_draws_the_same_parameters_each_time():
    first, second = (Trial(Scale, Case({"features": 3})).build() for _ in range(2))
    assert torch.equal(first.a, second.a)
    assert (first.a >= 1.1).all()


def test_a_gain_that_backward_forgets_is_seen():
    failure, *_ = check_component(ForgetsItsGain).failures
    assert failure.check == "module.input_gradient"


def test_a_term_that_is_zero_at_first_is_seen():
    failure, *_ = check_component(SquaredShift).failures
    assert failure.check == "module.parameter_gradients"


def test_parameters_are_drawn_smaller_where_larger_ones_leave_the_domain():
    assert 0.95 * 0.6 <= Trial(Mix, Case()).build().a.item() <= 0.95 * 0.9


def test_parameters_stay_as_they_are_where_no_other_is_accepted():
    assert abs(Trial(Exact, Case()).build().a.item() - 0.95) < 1e-6


def test_right_components_pass():
    for component in (Scale, Mix):
        assert check_component(component).ok


def test_a_case_that_shares_a_module_gives_every_instance_its_own():
    case = Case({"inner": Scale(3)})
    first, second = (Trial(Around, case).build() for _ in range(2))
    assert first.inner is not second.inner
    assert torch.equal(first.inner.a, second.inner.a)
    assert torch.equal(case.arguments["inner"].a, torch.ones(3))
    assert check_component(Around, cases=[case]).ok
