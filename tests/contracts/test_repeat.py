"""Modules that run several times in a step."""

import pytest
import torch

import corenet as cn


class Recurrence(cn.Module):
    """``hₜ = tanh(W hₜ₋₁) + xₜ`` over the first dimension; so many backwards are ``missed``."""

    def __init__(self, width, missed=0):
        self.cell = self.repeat(cn.Sequential(cn.Linear(width, width), cn.Tanh(), cn.Dropout(0.3)))
        self.missed = missed

    def forward(self, input):
        self.save(len(input))
        state = torch.zeros_like(input[0])
        for row in input:
            state = self.cell(state) + row
        return state

    def backward(self, grad_output):
        (length,) = self.saved()
        gradients = []
        for _ in range(length - self.missed):
            gradients.append(grad_output)
            grad_output = self.cell.backward(grad_output)
        return torch.stack(gradients[::-1])


class Pair(cn.Module):
    """One encoder on two inputs."""

    def __init__(self, encoder):
        self.encoder = self.repeat(encoder)

    def forward(self, a, b):
        return self.encoder(a), self.encoder(b)

    def backward(self, grad_a, grad_b):
        second = self.encoder.backward(grad_b)
        return self.encoder.backward(grad_a), second


def test_a_recurrence_has_the_gradients_of_torch():
    torch.manual_seed(3)
    module, input = Recurrence(4).to(torch.float64), torch.randn(6, 5, 4, dtype=torch.float64)
    linear = module.cell[0]
    torch.manual_seed(0)
    output = module(input)
    u = torch.randn_like(output)
    found = module.backward(u)

    torch.manual_seed(0)
    x, weight, bias = input.clone().requires_grad_(), linear.weight.clone(), linear.bias.clone()
    weight.requires_grad_(), bias.requires_grad_()
    state = torch.zeros_like(x[0])
    for row in x:
        scale = torch.empty_like(state).bernoulli_(0.7).div_(0.7)
        state = torch.tanh(torch.nn.functional.linear(state, weight, bias)) * scale + row
    (u * state).sum().backward()
    torch.testing.assert_close(output, state.detach())
    torch.testing.assert_close([found, linear.weight.grad, linear.bias.grad], [x.grad, weight.grad, bias.grad])


def test_a_pair_adds_the_gradients_of_both():
    encoder = cn.Sequential(cn.Linear(3, 2), cn.Tanh()).to(torch.float64)
    a, b, u, v = (torch.randn(4, n, dtype=torch.float64) for n in (3, 3, 2, 2))
    pair = Pair(encoder)
    pair(a, b)
    pair.backward(u, v)
    together, encoder_grad = torch.zeros(2, 3, dtype=torch.float64), encoder[0].weight.grad.clone()
    for x, w in ((a, u), (b, v)):
        encoder.zero_grad()
        encoder(x)
        encoder.backward(w)
        together += encoder[0].weight.grad
    torch.testing.assert_close(encoder_grad, together)


def test_a_forgotten_backward_is_said_and_nothing_is_left():
    module = Recurrence(2, missed=1)
    module(torch.randn(3, 1, 2))
    with pytest.raises(
        cn.BackwardError, match=r"its backward ran Linear\(2 → 2\) \(0\) backward less often than its forward"
    ):
        module.backward(torch.ones(1, 2))
    assert not any(each._saved for _, each in module.named_modules())


def test_a_backward_too_many_is_said():
    module = Recurrence(2, missed=-1)
    module(torch.randn(3, 1, 2))
    with pytest.raises(cn.BackwardError, match="has nothing saved for backward"):
        module.backward(torch.ones(1, 2))


def test_everybody_elses_second_forward_is_still_refused():
    linear = cn.Linear(2, 2)
    linear(torch.ones(1, 2))
    with pytest.raises(cn.BackwardError, match="ran forward twice"):
        linear(torch.ones(1, 2))


def test_names_of_parameters_are_those_of_the_attribute():
    assert [name for name, _ in Recurrence(2).named_parameters()] == ["cell.0.weight", "cell.0.bias"]


def test_eval_saves_nothing_however_often_it_runs():
    module = Recurrence(2).eval()
    module(torch.randn(3, 1, 2))
    assert not any(each._saved for _, each in module.named_modules())
