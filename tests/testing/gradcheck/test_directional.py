"""What a sample of elements misses, random directions find."""

import pytest
import torch

import corenet as cn
from corenet.testing.gradcheck.changes import Changes
from corenet.testing.gradcheck.directional import along_directions
from corenet.testing.gradcheck.gradcheck import examine


class Cube(cn.Module):
    """``y = x³``, with one element of the gradient wrong if asked."""

    def __init__(self, wrong=None):
        self.wrong = wrong

    def forward(self, input):
        self.save(input)
        return input**3

    def backward(self, grad_output):
        (input,) = self.saved()
        gradient = 3 * input**2 * grad_output
        if self.wrong is not None:
            gradient.reshape(-1)[self.wrong] += 3
        return gradient


@pytest.fixture
def input():
    return torch.randn(100, 300, generator=torch.Generator().manual_seed(0))


def test_a_right_gradient_agrees_in_every_direction(input):
    report = examine(Cube(), input)
    assert report.ok
    assert [(each.name, each.how, each.checked) for each in report.tensors] == [
        ("input", "", 2000),
        ("input", "in random directions", 5),
    ]
    assert str(report.tensors[1]).startswith("input in random directions (100, 300): 5 elements")
    assert report.tensors[1].error < 1e-6


@pytest.mark.parametrize("place", [0, 12345, 29999])
def test_one_wrong_element_among_thirty_thousand_is_found(input, place):
    assert not examine(Cube(place), input).ok


def test_the_power_in_one_element_is_what_is_seen(input):
    class Off(Cube):
        def backward(self, grad_output):
            gradient = super().backward(grad_output)
            gradient.reshape(-1)[777] += self.off
            return gradient

    module = Off()
    report = examine(Cube(), input, most=20)
    whole = report.tensors[1]
    size = (3 * input.double() ** 2).square().mean().sqrt().item()  # of an element, for upstream gradients of about 1
    assert whole.power < 1e-3
    module.off = 30 * whole.power * size
    assert examine(module, input, most=20).status == "wrong"
    module.off = 1e-3 * whole.power * size
    assert examine(module, input, most=20).ok


def test_a_small_tensor_needs_no_directions():
    assert [each.name for each in examine(Cube(), torch.randn(4, 3)).tensors] == ["input"]


def test_kinks_do_not_disturb_it(input):
    assert examine(cn.ReLU(), input).ok


def test_the_tensor_is_left_as_it_was_and_an_edge_of_the_domain_is_no_verdict():
    x = torch.rand(50, dtype=torch.float64)
    before = x.clone()

    def refuse():
        raise cn.RangeError("outside")

    ones = torch.ones(50, dtype=torch.float64)
    assert along_directions("x", Changes(refuse, x, [ones]), x, ones[None]) is None
    double = Changes(lambda: 2 * x, 2 * x, [ones])
    found = along_directions("x", double, x, 2 * ones[None])
    assert found.ok
    assert not along_directions("x", double, x, ones[None]).ok
    assert torch.equal(x, before)
