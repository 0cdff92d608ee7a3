"""The kit finds initializers that leave something unfilled, or draw from elsewhere, and clears those that do not."""

import random

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Right(cn.Initializer):
    """One to plant faults in."""

    def __call__(self, weight):
        weight.normal_(0, 0.3)


class Copies(Right):
    """Draws in double precision, as a decomposition needs, and refuses what is no matrix."""

    def __call__(self, weight):
        if weight.dim() != 2:
            raise cn.ShapeError("Copies", weight.shape, "expected a matrix")
        weight.copy_(torch.linalg.qr(torch.randn(7, 7, dtype=torch.float64)).Q[: weight.shape[0], : weight.shape[1]])


class Constant(Right):
    def __call__(self, weight):
        weight.fill_(0.25)


class Returns(Right):
    """Returns another tensor instead of filling the one that it is given."""

    def __call__(self, weight):
        return torch.randn(weight.shape)


class FirstRows(Right):
    def __call__(self, weight):
        weight[:4].normal_()


class Adds(Right):
    def __call__(self, weight):
        weight.nan_to_num_(0.0).add_(torch.randn(weight.shape))


class Infinite(Right):
    def __call__(self, weight):
        weight.normal_().div_(0)


class Resizes(Right):
    def __call__(self, weight):
        weight.data = torch.randn(weight.shape[::-1], dtype=weight.dtype)


class Numpy(Right):
    def __call__(self, weight):
        weight.copy_(torch.from_numpy(np.random.randn(*weight.shape)))


class Python(Right):
    def __call__(self, weight):
        weight.fill_(random.random())


class Seeds(Right):
    """Makes every weight alike, and every layer made after it."""

    def __call__(self, weight):
        torch.manual_seed(0)
        weight.normal_()


class Spills(Right):
    """Writes to the memory of the weight, whatever else lies in it."""

    def __call__(self, weight):
        weight.as_strided((weight.untyped_storage().nbytes() // weight.element_size(),), (1,), 0).normal_()


class HalfABias(Right):
    def fill_bias(self, bias, weight):
        bias[::2] = 0


class Swaps(Right):
    def fill_bias(self, bias, weight):
        bias.copy_(weight.reshape(len(bias), -1)[:, 0])
        weight.zero_()


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (HalfABias, "initializer.bias", "of the bias of a weight (5, 3) 2 of 5 numbers are not filled"),
        (Swaps, "initializer.bias", "fill_bias() changes the weight (5, 3)"),
        (Returns, "initializer.runs", "of a weight (5, 3) of torch.float64 15 of 15 numbers are not filled"),
        (FirstRows, "initializer.runs", "of a weight (5, 3) of torch.float64 3 of 15 numbers are not filled"),
        (Infinite, "initializer.runs", "numbers are not filled, or not finite"),
        (Resizes, "initializer.runs", "a weight (5, 3) of torch.float64 is (3, 5) of torch.float64 afterwards"),
        (Adds, "initializer.repeats", "a weight (5, 3) is filled otherwise at the same state of torch's generator"),
        (Numpy, "initializer.repeats", "filled otherwise"),
        (Python, "initializer.repeats", "filled otherwise"),
        (Seeds, "initializer.generator", "stands at the same place afterwards, wherever it stood before"),
        (Spills, "initializer.strides", "that is a view writes beside it"),
    ],
)
def test_a_fault_is_found_once_and_named(cls, check, message):
    report = check_component(cls)
    assert [failure.check for failure in report.failures] == [check]
    assert message in report.failures[0].message


@pytest.mark.parametrize("cls", [Right, Copies, Constant])
def test_a_right_one_passes(cls):
    assert {result.verdict for result in check_component(cls).results} == {"passed"}
