"""What a constructor declares, and what else each of it could be."""

from typing import Literal

import pytest

import corenet as cn
from corenet.testing.checks.hyperparameters import contexts, declared, others, with_wrong_number
from corenet.testing.support.trial import Trial


class Many(cn.Optimizer):
    def __init__(
        self, parameters, lr, betas=(0.9, 0.99), every=4, mode: Literal["a", "b"] = "a", limit=None, name="x", on=False
    ): ...


TRIAL = Trial(Many, cn.Case({"lr": 0.1, "every": 2}))


def test_the_case_goes_before_the_default_and_the_parameters_are_left_out():
    assert declared(TRIAL) == {
        "lr": 0.1, "betas": (0.9, 0.99), "every": 2, "mode": "a", "limit": None, "name": "x", "on": False
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("on", False, [("on", True)]),
        ("mode", "a", [("mode", "b")]),
        ("name", "x", []),
        ("every", 2, [("every", each) for each in (3, 4, 5, 7, 1, 3, 5)]),
        ("lr", 0.1, [("lr", each) for each in (0.05, 0.5, 0.9, 0.01, 1.5, 0.2)]),
    ],
)
def test_other_values_are_worth_a_try(name, value, found):
    assert list(others(TRIAL, name, value)) == found


def test_each_place_of_a_tuple_is_an_argument_of_its_own():
    found = list(others(TRIAL, "betas", (0.9, 0.99)))
    assert {place for place, _ in found} == {"betas[0]", "betas[1]"}
    assert ("betas[1]", (0.9, 0.5)) in found


def test_a_number_is_replaced_wherever_one_stands():
    assert list(with_wrong_number("lr", 0.1, -1.0)) == [("lr", -1.0)]
    assert list(with_wrong_number("betas", (0.9, 0.99), -1.0)) == [
        ("betas[0]", (-1.0, 0.99)),
        ("betas[1]", (0.9, -1.0)),
    ]
    assert list(with_wrong_number("on", True, -1.0)) == list(with_wrong_number("limit", None, -1.0)) == []


def test_a_limit_that_is_infinite_by_default_may_be_infinite():
    assert list(with_wrong_number("limit", float("inf"), float("inf"))) == []


def test_other_arguments_are_switched_on_one_by_one_and_together():
    trial = Trial(cn.SGD, cn.Case({"lr": 0.1}))
    found = list(contexts(trial, declared(trial), "nesterov"))
    assert found[0] == {}
    assert {"momentum": 0.5} in found
    assert found[-1] == {"momentum": 0.5, "dampening": 0.5, "weight_decay": 0.5, "maximize": True, "lr_decay": 0.5}
