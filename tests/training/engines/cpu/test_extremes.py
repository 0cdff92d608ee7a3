"""The place and the value of the largest and the smallest element are torch's, the first of several equal ones."""

import pytest
import torch

pytestmark = pytest.mark.usefixtures("needs_compiler")

LAYOUTS = {
    "contiguous": lambda: torch.randint(-3, 4, (3, 17, 5)) / 2,  # so that many are equal
    "permuted": lambda: torch.randn(5, 3, 34).permute(1, 2, 0),
    "sliced": lambda: torch.randn(4, 20, 9)[1:, 1:18, ::2],
    "expanded": lambda: torch.randn(3, 1, 5).expand(3, 4, 5),
    "a row": lambda: torch.randn(37),
    "a column": lambda: torch.randn(9, 1),
    "whole numbers": lambda: torch.randint(-2, 3, (6, 11)),
    "flags": lambda: torch.rand(6, 11) > 0.7,
    "double": lambda: torch.randn(4, 8).double(),
}


def every(x, name):
    found = {}
    for dim in range(-1, x.dim()):
        for keep in (False, True):
            told = f"{name} {dim} {keep}"
            found |= {f"argmax {told}": x.argmax(dim, keep)} if x.dtype is not torch.bool else {}
            found |= {f"argmin {told}": x.argmin(dim, keep)} if x.dtype is not torch.bool else {}
            found |= dict(zip((f"max {told}", f"place of max {told}"), x.max(dim, keep), strict=True))
            found |= dict(zip((f"min {told}", f"place of min {told}"), x.min(dim, keepdim=keep), strict=True))
    return found


def test_along_any_dimension_of_any_layout(assert_as_torch):
    def function(*tensors):
        return {key: each for name, x in zip(LAYOUTS, tensors, strict=True) for key, each in every(x, name).items()}

    assert_as_torch(function, lambda: [make() for make in LAYOUTS.values()])


def test_of_all_elements(assert_as_torch):
    def function(x, y):
        return {"argmax": x.argmax(), "argmin": x.argmin(), "max": x.max(), "min": y.min(), "kept": x[0].argmax()}

    assert_as_torch(function, lambda: [torch.randn(4, 5), torch.randn(5, 4).T])


def test_the_first_number_that_is_none_is_the_largest_and_the_smallest(assert_as_torch):
    ones = torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1.5])
    assert_as_torch(lambda x: every(x, "special"), lambda: [ones[torch.randint(6, (40, 4))]], times=3)


@pytest.mark.parametrize("name", ["all of what is turned", "half precision"])
def test_what_is_not_known_is_left_to_torch(assert_as_torch, name):
    rules = {"all of what is turned": lambda x: x.T.argmax(), "half precision": lambda x: x.half().argmax(1)}
    assert_as_torch(lambda x: {"it": rules[name](x), "x": x + 1}, lambda: [torch.randn(3, 5)], in_c=False)
