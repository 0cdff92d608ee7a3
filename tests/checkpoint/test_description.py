"""A component is described by its name and its arguments, and built again from these."""

import json
import math

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.checkpoint.arguments import NotKeptError, arguments_of, called
from corenet.checkpoint.description import Builder, Describer
from corenet.registry.provenance import component_of


def named(cls):
    row = component_of(cls)
    return None if row is None else row.qualified_name


def through_json(value):
    describer = Describer(named)
    text = json.dumps(describer.value(value, "x"), allow_nan=False)
    return Builder(cn.get, describer.tensors).value(json.loads(text))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        0.1,
        math.inf,
        -math.inf,
        "σ",
        [1, [2.5]],
        (1, (2, [3])),
        {"a": 1, 2: (3,), (4, 5): None},
        {},
        (),
        {"float": "nan"},
        {"tuple": 1},
        {"module": "corenet:relu", "arguments": {}},
        torch.float16,
        torch.int64,
        torch.device("cpu"),
    ],
)
def test_a_value_comes_back_as_it_was(value):
    found = through_json(value)
    assert (found, type(found)) == (value, type(value))


def test_numbers_that_only_look_like_pythons_become_pythons():
    found = through_json([np.int64(3), np.float32(0.5), torch.Size([2, 3])])
    assert found == [3, 0.5, (2, 3)]
    assert [type(each) for each in found] == [int, float, tuple]
    assert math.isnan(through_json(math.nan))


def test_a_tensor_comes_back_as_a_copy():
    value = torch.tensor([[0.25, -3.0]], dtype=torch.float64)
    found = through_json({"weight": value})["weight"]
    torch.testing.assert_close(found, value, rtol=0, atol=0)
    assert found.data_ptr() != value.data_ptr()


@pytest.mark.parametrize("value", [abs, object(), {1, 2}, b"bytes", cn.Linear, 1j])
def test_what_a_file_cannot_hold_is_named(value):
    with pytest.raises(NotKeptError, match=rf"layers\.init is a {type(value).__name__}, which a file cannot hold"):
        Describer(named).value(value, "layers.init")


@pytest.mark.parametrize(
    "component",
    [
        cn.Linear(2, 3, bias=False, init=cn.Normal(std=0.3)),
        cn.Dropout(0.25),
        cn.Flatten(0, -2),
        cn.Softmax(1),
        cn.Sequential(cn.Linear(2, 3, init="he_normal"), cn.Sequential(cn.Tanh()), cn.Sequential()),
        cn.CrossEntropyLoss(torch.tensor([0.2, 0.7]), 1, "sum", 0.3),
        cn.WarmupSchedule(3, after=cn.CosineSchedule(7)),
    ],
    ids=repr,
)
def test_a_component_comes_back_with_its_arguments(component):
    found = through_json(component)
    assert (repr(found), type(found)) == (repr(component), type(component))
    described = [Describer(named).component(each) for each in (found, component)]
    assert described[0] == described[1]


def test_what_is_no_component_is_named_with_its_place():
    class Own(cn.Tanh):
        pass

    for model, where in ((Own(), "Own"), (cn.Sequential(cn.ReLU(), cn.Sequential(Own())), r"1\.0, Own,")):
        with pytest.raises(NotKeptError, match=f"^{where} is no component of an installed distribution"):
            Describer(named).component(model)


def test_a_module_that_is_there_twice_is_refused():
    class Twice(cn.Module):
        def __init__(self, first, second):
            self.first, self.second = first, second

    shared = cn.Linear(2, 2)
    with pytest.raises(NotKeptError, match="second, Linear, is there twice"):
        Describer(lambda cls: cls.__name__).component(Twice(shared, shared))


class Kept(cn.Module):
    def __init__(self, first, /, second=2, *others, flag: bool = True, option=None, **more):
        self.first, self._second, self.others, self.more = first, second, others, more
        self.flag = cn.Parameter(torch.tensor([0.5])) if flag else None
        self.option = option


class Derived(cn.Linear):
    def __init__(self, gain, **options):
        super().__init__(out_features=1, **options)
        self.gain = gain


def test_arguments_of_each_kind_are_read_and_given():
    kept = Kept(1, 3, 4, 5, flag=False, option="x")
    found = {"first": 1, "second": 3, "others": (4, 5), "flag": False, "option": "x"}
    assert arguments_of(kept) == found
    again = called(Kept, (), found)
    assert arguments_of(again) == found
    assert arguments_of(Kept(1))["flag"] is True


def test_arguments_that_are_handed_on_are_those_of_the_class_above():
    found = arguments_of(Derived(0.5, in_features=3, bias=False))
    assert found == {"gain": 0.5, "in_features": 3, "out_features": 1, "bias": False, "init": "uniform"}


@pytest.mark.parametrize("attribute", ["weight", "other"])
def test_an_argument_that_is_not_kept_is_named(attribute):
    class Lost(cn.Module):
        def __init__(self, weight=0.25):
            setattr(self, attribute, cn.Parameter(torch.tensor([weight])))

    with pytest.raises(NotKeptError, match="keeps no argument 'weight'"):
        arguments_of(Lost())


def test_where_the_numbers_are_is_not_described():
    assert arguments_of(cn.Linear(2, 3, device="cpu", dtype=torch.float64)).keys() == {
        "in_features",
        "out_features",
        "bias",
        "init",
    }


@pytest.mark.parametrize(
    "described",
    [
        {"module": "corenet:relu"},
        {"module": 3, "arguments": {}},
        {"sequential": 3},
        {"callback": "corenet:csv_logger", "arguments": {"path": "x"}},
        {"float": "1e3"},
        {"float": 3},
        {"module": "corenet:relu", "arguments": [1]},
        {"module": "corenet:relu", "arguments": {}, "more": 1},
        {"a": 1, "b": 2},
    ],
)
def test_what_describes_nothing_is_refused(described):
    with pytest.raises(ValueError, match=r"describes no component|is no number|are no arguments"):
        Builder(cn.get, {}).value(described)
