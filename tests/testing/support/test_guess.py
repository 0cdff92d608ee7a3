"""The cases of a component: declared, or guessed from its constructor and its forward."""

import pytest
import torch

import corenet as cn
from benchmarks.mutants import several
from corenet.testing import check_component
from corenet.testing.support.guess import cases_of
from corenet.testing.support.trial import Trial


class Scale(cn.Module):
    """y = w x, one weight a feature."""

    def __init__(self, width: int):
        self.weight = cn.Parameter(torch.rand(width))

    def forward(self, input):
        self.save(input)
        return input * self.weight


def test_cases_are_those_that_a_class_declares():
    class Declared(Scale):
        @staticmethod
        def conformance_cases():
            return [cn.Case({"width": 4}, (2, 4))]

    assert [(case.arguments, case.shape) for case in cases_of(Declared)] == [({"width": 4}, (2, 4))]


def test_sizes_that_a_constructor_wants_are_guessed():
    class Pair(cn.Module):
        def __init__(self, width: int, height, *, depth: int, scale: float = 1.0): ...

    assert cases_of(Pair)[0].arguments == {"width": 3, "height": 4, "depth": 5}
    assert cases_of(cn.Tanh)[0].arguments == {}


def test_an_optimizer_is_given_a_learning_rate_and_its_first_argument_is_left_to_it():
    (case,) = cases_of(cn.SGD, "optimizer")
    assert case.arguments == {"lr": 0.01}


def test_a_function_that_builds_is_guessed_by_its_kind():
    def half(parameters, lr):
        return cn.SGD(parameters, lr / 2)

    assert cases_of(half, "optimizer")[0].arguments == {"lr": 0.01}
    assert [case.shape for case in cases_of(lambda: cn.MSELoss("sum"), "loss")] == [(4, 3)]


def test_the_shapes_guessed_are_those_that_a_module_takes():
    class Channels(Scale):
        def forward(self, input):
            if input.dim() != 3 or input.shape[1] != 3:
                raise cn.ShapeError("Channels()", input.shape, "expected (N, 3, L)")
            return input

    assert [case.shape for case in cases_of(Channels)] == [(2, 3, 8)]
    assert [case.shape for case in cases_of(Scale)] == [(5, 3), (2, 2, 3), (1, 3)]
    assert [case.shape for case in cases_of(cn.Tanh)] == [(5, 3), (2, 2, 3), (1, 3), (2, 3, 8), (2, 3, 8, 8)]

    class Convolution(Scale):
        def forward(self, input):
            return torch.conv1d(input, torch.ones(1, 3, 2, dtype=input.dtype))

    assert [case.shape for case in cases_of(Convolution)] == [(2, 3, 8)]


def test_a_shape_stays_only_if_training_takes_it_too():
    class BatchStatistics(Scale):
        def forward(self, input):
            if self.training and len(input) < 2:
                raise cn.ShapeError("BatchStatistics()", input.shape, "expected two samples at least")
            return super().forward(input)

    assert [case.shape for case in cases_of(BatchStatistics)] == [(5, 3), (2, 2, 3)]


def test_what_takes_no_guessed_shape_is_tried_on_the_first_to_hear_why():
    class Refuses(Scale):
        def forward(self, input):
            raise cn.ShapeError("Refuses()", input.shape, "expected nothing")

    assert [case.shape for case in cases_of(Refuses)] == [(5, 3)]


def test_what_cannot_be_guessed_is_asked_for():
    class Named(cn.Module):
        def __init__(self, name: str): ...

    with pytest.raises(cn.ConfigError, match=r"cannot guess how to build Named\(name: str\); give it a conformance_"):
        cases_of(Named)


def test_guessing_shapes_leaves_torchs_generator_as_it_was():
    before = torch.get_rng_state()
    cases_of(cn.Dropout)
    assert torch.equal(torch.get_rng_state(), before)


def test_as_many_inputs_are_guessed_as_forward_has_arguments_without_a_default():
    class Three(cn.Module):
        def forward(self, a, b, /, c, scale=2.0, *others, factor=1.0):
            self.save(a, b, c)
            return scale * factor * a * b + c

        def backward(self, grad_output):
            a, b, _ = self.saved()
            return 2 * grad_output * b, 2 * grad_output * a, grad_output.clone()

    class OneSwapped(Three):
        def backward(self, grad_output):
            a, b, c = super().backward(grad_output)
            return b, a, c

    cases = cases_of(Three)
    assert [case.shape for case in cases] == [(5, 3), (2, 2, 3), (1, 3), (2, 3, 8), (2, 3, 8, 8)]
    for case in cases:
        inputs = Trial(Three, case).inputs()
        assert [each.shape for each in inputs] == [case.shape] * 3
        assert not torch.equal(inputs[0], inputs[1])
        assert max(each.abs().max() for each in inputs) <= 2
    assert min(each.min() for each in inputs) < -1.5
    assert check_component(Three).ok
    assert next(each.check for each in check_component(OneSwapped).failures) == "module.input_gradient"


def test_a_function_that_builds_a_module_of_two_inputs_is_guessed():
    def build():
        return several.Product()

    assert len(Trial(build, cases_of(build)[0]).inputs()) == 2
    assert check_component(build, "module").ok


@pytest.mark.parametrize("refusal", [cn.DTypeError("the mask is of floats"), IndexError("no index")])
def test_where_no_guess_is_taken_the_failure_says_how_to_declare_the_inputs(refusal):
    class Refuses(cn.Module):
        def forward(self, input, mask):
            raise refusal

    class Breaks(cn.Module):
        def forward(self, input):
            self.save(input)
            return 2 * input

        def backward(self, grad_output):
            raise refusal

    (found,) = check_component(Refuses).failures
    assert (found.check, found.message) == ("module.runs", f"it raised {type(refusal).__name__}: {refusal}")
    assert "write conformance_cases() with Case(inputs=…)" in found.diagnosis
    (found,) = check_component(Refuses, cases=[cn.Case()]).failures
    assert "Case(inputs=…)" not in found.diagnosis
    (found,) = check_component(Breaks).failures
    assert "Case(inputs=…)" not in found.diagnosis


def test_several_inputs_without_a_finite_output_are_to_be_drawn():
    class Root(cn.Module):
        def forward(self, a, b):
            self.save(a, b)
            return (a * b).sqrt()

        def backward(self, grad_output):
            a, b = self.saved()
            return grad_output * (b / a).sqrt() / 2, grad_output * (a / b).sqrt() / 2

    (found,) = check_component(Root).failures
    assert found.message == "for the inputs that the case draws the output is not finite"
    assert "cn.Case(inputs=…)" in found.diagnosis
