"""A factor of 1 that is forgotten, and a gradient that a 0 hides, are seen with other parameters."""

import pytest
import torch
from torch import Tensor

import corenet as cn
from corenet.report.trace.layer_check import check_layer
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.gradcheck.other_parameters import JUDGED, SEEN, UNSEEN


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


class Scale(cn.Module):
    """``y = a x``."""

    def __init__(self, *start):
        self.a = cn.Parameter(torch.tensor(start))

    def forward(self, input):
        self.save(input)
        return self.a * input

    def backward(self, grad_output):
        (input,) = self.saved()
        self.a.grad += (grad_output * input).sum(0)
        return self.input_gradient(grad_output)

    def input_gradient(self, grad_output):
        return self.a * grad_output


class Forgets(Scale):
    def input_gradient(self, grad_output):
        return grad_output


class Squares(Scale):
    def input_gradient(self, grad_output):
        return self.a**2 * grad_output


class Magnitude(Scale):
    def input_gradient(self, grad_output):
        return -grad_output


class SquaredShift(Scale):
    """``y = x + a²``, of which the gradient of ``a`` is forgotten: it is 0 where a is."""

    def forward(self, input):
        return input + self.a.square()

    def backward(self, grad_output):
        return grad_output.clone()


class Gated(cn.Module):
    """``y = x + a tanh(Wx)`` with a = 0 at first."""

    def __init__(self, factor=1.0):
        self.a = cn.Parameter(torch.zeros(()))
        self.inner = cn.Sequential(cn.Linear(3, 3), cn.Tanh())
        self.factor = factor

    def forward(self, input):
        inner = self.inner(input)
        self.save(inner)
        return input + self.a * inner

    def backward(self, grad_output):
        (inner,) = self.saved()
        self.a.grad += (grad_output * inner).sum()
        return grad_output + self.inner.backward(self.factor * self.a * grad_output)


@pytest.mark.parametrize(
    ("wrong", "blamed"),
    [
        (Forgets(1.0, 1.0, 1.0), "input"),
        (Squares(1.0, 1.0, 1.0), "input"),
        (Magnitude(-1.0, -1.0, -1.0), "input"),
        (SquaredShift(0.0, 0.0, 0.0), "a"),
    ],
)
def test_a_fault_that_ones_and_zeros_hide_is_seen_and_said_where(wrong, blamed):
    before = wrong.a.clone()
    report = examine(wrong, draw(4, 3))
    assert [tensor.name for tensor in report.tensors if tensor.status == "wrong"] == [blamed]
    assert SEEN in str(report)
    assert check_layer(wrong, draw(4, 3)).gradient(blamed).code == "wrong"
    assert torch.equal(wrong.a, before)


def test_a_part_that_a_zero_cuts_off_is_judged_where_it_is_not_cut_off():
    report = cn.gradcheck(Gated(), draw(4, 3))
    judged = {tensor.name: tensor.note for tensor in report.tensors}
    assert judged == {"input": "", "a": "", "inner.0.weight": JUDGED, "inner.0.bias": JUDGED}
    assert report.power < 1e-5
    wrong = examine(Gated(factor=1.01), draw(4, 3))
    assert [tensor.name for tensor in wrong.tensors if tensor.status == "wrong"] == [
        *["input", "inner.0.weight", "inner.0.bias"]
    ]


@pytest.mark.parametrize("start", [(1.0, 0.0, -1.0), (0.5, 2.0, 3.0)])
def test_right_parameters_are_right_anywhere(start):
    report = cn.gradcheck(Scale(*start), draw(4, 3))
    assert [(tensor.name, tensor.note) for tensor in report.tensors] == [("input", ""), ("a", "")]
    assert report.note == ""


def test_a_fault_that_shows_with_the_given_parameters_is_not_said_to_be_elsewhere():
    report = examine(Forgets(0.5, 1.0, 2.0), draw(4, 3))
    assert report.status == "wrong"
    assert SEEN not in str(report)


def test_where_forward_takes_no_other_parameters_that_is_said():
    class Fixed(Forgets):
        def forward(self, input):
            if not 0.999 < self.a.min() <= self.a.max() < 1.001:
                raise ValueError("a is 1")
            return super().forward(input)

    report = cn.gradcheck(Fixed(1.0, 1.0, 1.0), draw(4, 3))
    assert report.note == UNSEEN
    assert UNSEEN in str(report).splitlines()[2]


def test_parameters_below_one_are_taken_where_larger_ones_lead_out_of_the_domain():
    class Root(Scale):
        """``y = √(2 − a) x``, and its gradient without the root, which is 1 here."""

        def forward(self, input):
            if (self.a > 1.001).any():
                raise cn.RangeError("a is at most 1")
            self.save(input)
            return (2 - self.a).sqrt() * input

        def backward(self, grad_output):
            (input,) = self.saved()
            self.a.grad -= (grad_output * input).sum(0) / (2 - self.a).sqrt() / 2
            return grad_output

    report = examine(Root(1.0, 1.0, 1.0), draw(4, 3))
    assert [tensor.name for tensor in report.tensors if tensor.status == "wrong"] == ["input"]
    assert SEEN in str(report)
