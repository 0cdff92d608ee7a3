"""What a constructor takes, whatever its author wrote there."""

import inspect
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import torch

import corenet as cn
from corenet.report.component.constructor import ABSENT, Argument, arguments, takes_any_keyword, type_name


class Odd:
    def __init__(
        self,
        untyped,
        missing: "Missing",  # noqa: F821
        known: "int | None" = None,
        *rest: int,
        only: Any = ...,
        **more,
    ): ...


@dataclass
class Data:
    beta: float = 1.5


def test_linear_as_it_is_written():
    found = arguments(cn.Linear, {"bias": "whether"})
    assert [str(each) for each in found] == [
        "in_features: int",
        "out_features: int",
        "bias: bool = True",
        "init: str | Callable[[torch.Tensor], object] = 'uniform'",
        "device: torch.device | str | None = None",
        "dtype: torch.dtype | None = None",
    ]
    assert [each.required for each in found] == [True, True, False, False, False, False]
    assert [each.meaning for each in found] == ["", "", "whether", "", "", ""]


def test_names_are_resolved_where_the_constructor_is_written():
    (reduction,) = arguments(cn.MSELoss, {})  # inherited from another file
    assert reduction.hint == Literal["mean", "sum", "none"]
    assert str(arguments(cn.SGD, {})[0]) == "parameters: Iterable[torch.Tensor] | Iterable[Mapping[str, Any]]"


def test_one_name_that_cannot_be_resolved_costs_the_others_nothing():
    found = {each.name: each for each in arguments(Odd, {})}
    assert list(found) == ["untyped", "missing", "known", "only"]
    assert (found["untyped"].hint, found["missing"].hint) == (ABSENT, "Missing")
    assert found["known"].hint == int | None
    assert [str(each) for each in found.values()] == [
        "untyped",
        "missing: Missing",
        "known: int | None = None",
        "only: Any = Ellipsis",
    ]


@pytest.mark.parametrize(("cls", "open_ended"), [(Odd, True), (cn.Linear, False), (cn.ReLU, False), (object, False)])
def test_more_keywords_are_taken_where_the_signature_says_so(cls, open_ended):
    assert takes_any_keyword(cls) is open_ended


@pytest.mark.parametrize("cls", [cn.ReLU, type])
def test_a_constructor_may_take_nothing_or_tell_nothing(cls):
    assert arguments(cls, {}) == []


def test_a_dataclass_is_read_too():
    assert [str(each) for each in arguments(Data, {})] == ["beta: float = 1.5"]


def test_a_default_cannot_steer_the_terminal():
    class Loud:
        def __repr__(self):
            return "\x1b[31m" + "x" * 999

    assert Argument("a", ABSENT, Loud(), "").shown_default == "[31m" + "x" * 195 + "…"


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        (torch.Tensor | None, "torch.Tensor | None"),
        (list[int], "list[int]"),
        ("Later", "Later"),
        (inspect.Parameter, "inspect.Parameter"),
    ],
)
def test_a_type_is_shown_as_one_writes_it(hint, name):
    assert type_name(hint) == name
