"""What the gradient check takes, where it looks, and what it leaves out and counts."""

from importlib import import_module

import pytest
import torch
from torch import Tensor

import corenet as cn
from benchmarks.gradcheck_survey.pointwise import Pointwise
from corenet.testing.gradcheck.gradcheck import examine

gradcheck_module = import_module("corenet.testing.gradcheck.gradcheck")


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def squared(factor=1.0, value=torch.Tensor.mean):
    class Squared(cn.Loss):
        def forward(self, input, target):
            self.save(input, target)
            return value((input - target).square())

        def backward(self):
            input, target = self.saved()
            return factor * 2 * (input - target)

    return Squared()


@pytest.mark.parametrize(
    ("value", "factor", "right"),
    [
        (torch.Tensor.mean, 1 / 12, True),
        (torch.Tensor.mean, 1.0, False),  # the missing 1/N
        (torch.Tensor.mean, 1 / 4, False),  # by points, not by elements
        (torch.Tensor.mean, -1 / 12, False),
        (torch.Tensor.sum, 1.0, True),
        (torch.Tensor.sum, 0.5, False),
        (torch.Tensor.clone, 1.0, True),  # unreduced: the gradient of the sum
        (torch.Tensor.clone, 1 / 12, False),
    ],
)
def test_a_loss_is_held_to_the_number_that_it_returned(value, factor, right):
    report = examine(squared(factor, value), draw(4, 3), draw(3, 4).reshape(4, 3).flip(0))
    assert report.ok is right
    assert [tensor.name for tensor in report.tensors] == ["input"]


def test_kinks_are_left_out_and_counted():
    input = torch.tensor([[-1.0, 0.0, 1.0], [0.0, 2.0, 1e-7]])
    report = cn.gradcheck(cn.ReLU(), input)
    assert (report.tensors[0].checked, report.tensors[0].kinks) == (4, 2)
    assert "4 elements, 2 at kinks left out" in str(report)


def test_where_there_are_only_kinks_nothing_is_proven():
    with pytest.raises(cn.GradientError, match=r"ReLU\(\): nothing could be compared"):
        cn.gradcheck(cn.ReLU(), torch.zeros(2, 2))


def test_a_steep_but_smooth_function_has_no_kinks():
    report = cn.gradcheck(Pointwise(lambda x: torch.exp(3 * x), lambda x: 3 * torch.exp(3 * x)), draw(4, 3))
    assert report.tensors[0].kinks == 0
    assert cn.gradcheck(cn.BCELoss(), torch.tensor([0.02, 0.98]), torch.tensor([1.0, 0.0])).tensors[0].kinks == 0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_small_and_large_inputs_are_checked_in_steps_of_their_own(scale):
    assert cn.gradcheck(Pointwise(torch.square, lambda x: 2 * x), scale * draw(4, 3)).tensors[0].checked == 12


STRIDED = {
    "transposed": draw(3, 4).T,
    "every other": draw(4, 6)[:, ::2],
    "expanded": draw(3).expand(4, 3),
}


@pytest.mark.parametrize("input", STRIDED.values(), ids=STRIDED)
def test_strided_inputs_pass_and_stay_strided(input):
    seen = []

    class Watch(cn.Linear):
        def forward(self, input):
            seen.append(input.stride())
            return super().forward(input)

    report = cn.gradcheck(Watch(3, 3), input)
    assert report.tensors[0].checked == 12
    assert set(seen) == ({input.stride()} if 0 not in input.stride() else {(3, 1)})


def test_of_a_large_tensor_elements_are_drawn_all_over_it(monkeypatch):
    assert gradcheck_module.MOST_ELEMENTS == 2000
    monkeypatch.setattr(gradcheck_module, "MOST_ELEMENTS", 80)
    assert cn.gradcheck(Pointwise(torch.sin, torch.cos), draw(10, 10)).tensors[0].checked == 80
    assert cn.gradcheck(Pointwise(torch.sin, torch.cos), draw(8, 10)).tensors[0].checked == 80

    last_row = Pointwise(torch.sin, lambda x: torch.cos(x) * (torch.arange(10) < 9)[:, None])
    one, two = examine(last_row, draw(10, 10), seed=0), examine(last_row, draw(10, 10), seed=1)
    assert not one.ok
    assert one.tensors[0].index[0] == 9
    assert one == examine(last_row, draw(10, 10), seed=0)
    assert two != one


def test_targets_may_be_integers():
    class CrossEntropy(cn.Loss):
        def forward(self, input, target):
            self.save(input, target)
            return -input.log_softmax(1).gather(1, target[:, None]).mean()

        def backward(self):
            input, target = self.saved()
            one_hot = torch.zeros_like(input).scatter_(1, target[:, None], 1.0)
            return (input.softmax(1) - one_hot) / len(input)

    assert cn.gradcheck(CrossEntropy(), draw(4, 3), torch.tensor([0, 2, 1, 1])).tensors[0].checked == 12


def test_a_single_number_is_an_input():
    assert cn.gradcheck(cn.Tanh(), torch.tensor(0.3)).tensors[0].checked == 1


def test_tolerances_are_those_asked_for():
    slightly = Pointwise(torch.sin, lambda x: torch.cos(x) * (1 + 1e-4))
    assert not examine(slightly, draw(4, 3)).ok
    assert cn.gradcheck(slightly, draw(4, 3), rtol=1e-3)
    assert cn.gradcheck(slightly, draw(4, 3), atol=1e-3)


@pytest.mark.parametrize(
    ("subject", "count", "message"),
    [
        (cn.ReLU(), 0, "needs an input"),
        (cn.ReLU(), 2, "got 2 inputs, its forward takes"),
        (cn.MSELoss(), 1, "takes an input and a target, got 1 arguments"),
        (cn.MSELoss(), 3, "takes an input and a target, got 3 arguments"),
    ],
)
def test_the_number_of_inputs_is_checked(subject, count, message):
    with pytest.raises(cn.CorenetError, match=message):
        cn.gradcheck(subject, *[draw(4, 3)] * count)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_input_without_neighbours_is_refused(bad):
    with pytest.raises(cn.ConfigError, match="needs finite inputs"):
        cn.gradcheck(cn.ReLU(), torch.tensor([1.0, bad]))
