"""Faults in the gradients of losses are found and named."""

import pytest

import corenet as cn
from corenet.contracts.case import Case
from corenet.testing import check_component


class SquaredError(cn.ElementwiseLoss):
    case = Case(shape=(5, 3))

    def elements(self, input, target):
        return (input - target) ** 2

    def derivative(self, input, target):
        return 2 * (input - target)


class MeanAbsolute(cn.Loss):
    """The mean over the batch of the sum over the features."""

    case = Case(shape=(5, 3))

    def check(self, input, target):
        if input.shape != target.shape:
            raise cn.ShapeError(f"{self!r}", input.shape, f"expected {tuple(target.shape)}")
        if not len(input):
            raise cn.ShapeError(f"{self!r}", input.shape, "the mean of an empty batch is undefined")

    def forward(self, input, target):
        self.save(input, target)
        return (input - target).abs().sum() / len(input)

    def backward(self):
        return self.to_input(*self.saved())

    def to_input(self, x, t):
        return (x - t).sign() / len(x)


# What is written otherwise in which component, and a word of the diagnosis that is due ("" if none fits).
FAULTS = {
    "loss's sign": (SquaredError, {"derivative": lambda self, x, t: 2 * (t - x)}, "sign"),
    "loss divided twice": (SquaredError, {"derivative": lambda self, x, t: 2 * (x - t) / len(x)}, "divided by N"),
    "loss without its 2": (SquaredError, {"derivative": lambda self, x, t: x - t}, "factor 2 is missing"),
    "loss without its mean": (MeanAbsolute, {"to_input": lambda self, x, t: (x - t).sign()}, "1/N missing"),
    "loss over all": (MeanAbsolute, {"to_input": lambda self, x, t: (x - t).sign() / x.numel()}, "divided by C"),
    "loss not its sign": (MeanAbsolute, {"to_input": lambda self, x, t: (x - t) / len(x)}, ""),
}  # fmt: skip
RIGHT = [SquaredError, MeanAbsolute]


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_has_right_gradients_and_no_diagnosis(component, examined):
    report = examined(component)
    assert report.ok, str(report)
    assert {tensor.diagnosis for tensor in report.tensors} == {""}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_named(fault, examined):
    component, methods, word = FAULTS[fault]
    report = examined(type("Faulty", (component,), methods))
    assert isinstance(report, Exception) or not report.ok
    assert word in str(report)


def test_there_are_enough_faults_and_most_have_a_name():
    assert len(FAULTS) >= 6
    assert sum(not word for _, _, word in FAULTS.values()) <= 1


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_conforms(component):
    report = check_component(component, cases=[component.case])
    assert report.ok, str(report)


@pytest.mark.parametrize("fault", list(FAULTS)[::12])
def test_the_whole_kit_finds_a_planted_fault_and_names_it(fault):
    component, methods, word = FAULTS[fault]
    report = check_component(type("Faulty", (component,), methods), cases=[component.case])
    assert not report.ok
    assert word in str(report)
