import dataclasses

import pytest

import corenet as cn
from corenet.testing.support.guess import trials_of


def test_a_case_has_the_defaults_of_an_elementwise_module():
    case = cn.Case()
    assert (dict(case.arguments), case.shape, case.domain, case.target_domain) == ({}, (4, 3), (-2.0, 2.0), None)


def test_a_case_holds_what_it_is_given_and_cannot_be_changed():
    case = cn.Case({"p": 0.5}, (2, 2), (0.0, 1.0), (0.25, 0.5))
    assert dataclasses.astuple(case)[:6] == ({"p": 0.5}, (2, 2), (0.0, 1.0), (0.25, 0.5), (), None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.shape = (1,)


def test_two_cases_do_not_share_their_arguments():
    assert cn.Case().arguments is not cn.Case().arguments


@pytest.mark.parametrize(
    ("shape", "classes", "target"),
    [((4, 3), None, (4, 3)), ((4, 3), 3, (4,)), ((4, 3, 8, 9), 3, (4, 8, 9))],
)
def test_class_indices_have_the_inputs_shape_without_its_classes(shape, classes, target):
    assert cn.Case(shape=shape, classes=classes).target_shape == target


def test_a_modules_cases_say_how_it_is_built_and_what_it_is_given():
    seen = []

    class Root(cn.Module):
        def __init__(self, power):
            self.power = power

        @staticmethod
        def conformance_cases():
            return [cn.Case({"power": 0.5}, shape=(2, 3), domain=(1.0, 4.0))]

        def forward(self, input):
            seen.append(input.clone())
            self.save(input)
            return input**self.power

        def backward(self, grad_output):
            (input,) = self.saved()
            return grad_output * self.power * input ** (self.power - 1)

    assert [trial.gradients.ok for trial in trials_of(Root)] == [True]
    assert {tuple(input.shape) for input in seen} == {(2, 3)}
    assert all(input.min() > 0.99 and input.max() < 4.01 for input in seen)


def test_a_losss_target_domain_is_the_domain_unless_given():
    for domain, expected in ((None, (5.0, 6.0)), ((0.0, 1.0), (0.0, 1.0))):
        seen = []

        class Product(cn.ElementwiseLoss):
            @staticmethod
            def conformance_cases(domain=domain):
                return [cn.Case(domain=(5.0, 6.0), target_domain=domain)]

            def elements(self, input, target, seen=seen):
                seen.append(target.clone())
                return input * target

            def derivative(self, input, target):
                return target

        assert [trial.gradients.ok for trial in trials_of(Product, "loss")] == [True]
        assert all(expected[0] <= target.min() and target.max() <= expected[1] for target in seen)
