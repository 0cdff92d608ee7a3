"""Every tensor that a module can reach is found, and the rest of the program is not searched."""

import logging
from types import SimpleNamespace

import pytest
import torch

import corenet as cn
from corenet.testing.support.reachable_tensors import plain_tensors, reachable_tensors


def remembering(tensor):
    return lambda: tensor


TENSOR = torch.ones(2)


class Holder(cn.Module):
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (TENSOR, "value"),
        ([0, (TENSOR,)], "value.1.0"),
        ({"a": {"b": TENSOR}}, "value.a.b"),
        ({TENSOR}, "value.0"),
        (SimpleNamespace(inner=[TENSOR]), "value.inner.0"),
        (remembering(TENSOR), "value.tensor"),
        (Holder(TENSOR), "value.value"),
        (SimpleNamespace(module=Holder([TENSOR])), "value.module.value.0"),
    ],
)
def test_a_tensor_is_found_by_its_path(value, path):
    assert reachable_tensors(Holder(value)) == {path: TENSOR}


@pytest.mark.parametrize("value", [3.0, "abc", torch, torch.Tensor, logging.getLogger(__name__)])
def test_what_has_no_tensor_is_skipped(value):
    assert reachable_tensors(Holder(value)) == {}


def test_what_contains_itself_ends():
    circle = SimpleNamespace(tensor=TENSOR)
    circle.circle = circle
    assert reachable_tensors(Holder(circle)) == {"value.tensor": TENSOR}


def test_what_waits_for_its_backward_is_passed_over():
    tanh = cn.Tanh()
    tanh(TENSOR)
    assert reachable_tensors(tanh) == {}


def test_loose_ones_are_neither_parameters_nor_buffers():
    module = Holder([cn.Parameter(TENSOR), cn.Buffer(TENSOR), TENSOR])
    assert list(plain_tensors(module)) == ["value.2"]
