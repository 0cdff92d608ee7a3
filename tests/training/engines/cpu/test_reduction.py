"""Sums, means and extremes are torch's, over any dimensions of anything that lies anyhow."""

from itertools import combinations, cycle

import pytest
import torch

pytestmark = pytest.mark.usefixtures("needs_compiler")

LENGTHS = [1, 15, 16, 17, 100, 5000]
RULES = {"sum": torch.sum, "amax": torch.amax, "mean": torch.mean, "amin": torch.amin}
LAYOUTS = {
    "contiguous": lambda: torch.randn(3, 17, 5, 4),
    "permuted": lambda: torch.randn(5, 4, 3, 17).permute(2, 3, 0, 1),
    "sliced": lambda: torch.randn(3, 20, 5, 8)[:, 1:18, :, ::2],
    "expanded": lambda: torch.randn(3, 1, 5, 1).expand(3, 17, 5, 4),
    "with a single one": lambda: torch.randn(3, 1, 20),
    "a matrix": lambda: torch.randn(40, 30),
    "transposed": lambda: torch.randn(40, 30).T,
    "overlapping": lambda: torch.randn(30).unfold(0, 20, 3),
    "a row": lambda: torch.randn(37),
    "every other": lambda: torch.randn(74)[::2],
    "a number": lambda: torch.randn(()),
}


def dimensions(x):
    """Return every choice of dimensions, and the ways of naming all."""
    dims = range(x.dim())
    return [list(chosen) for count in range(x.dim() + 1) for chosen in combinations(dims, count)] + [[-1]]


def test_any_dimensions_are_reduced(assert_as_torch):
    def function(*tensors):
        cases = [(name, x, dims) for name, x in zip(LAYOUTS, tensors, strict=True) for dims in dimensions(x)]
        return {
            f"{rule} of {name} {dims} {keepdim}": RULES[rule](x, dim=dims, keepdim=keepdim)
            for (name, x, dims), rule, keepdim in zip(cases, cycle(RULES), cycle([False, False, True]))
        }

    assert_as_torch(function, lambda: [make() for make in LAYOUTS.values()], rtol=1e-5, atol=1e-4)


def test_products_and_the_extreme_of_all(assert_as_torch):
    def function(*tensors):
        named = zip(LAYOUTS, tensors, strict=True)
        return {
            f"{rule} of {name} {dim}": found
            for name, x in named
            for dim in range(x.dim())
            for rule, found in {"prod": x.prod(dim), "all": x.prod(), "max": x.max(), "min": x.min()}.items()
        }

    assert_as_torch(function, lambda: [make() for make in LAYOUTS.values()], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_length_is_reduced(assert_as_torch, dtype):
    def function(*tensors):
        return {
            f"{name} of {tuple(x.shape)} {dim}": rule(x, dim=dim)
            for name, rule in {"sum": torch.sum, "amax": torch.amax}.items()
            for x in tensors
            for dim in (0, 1, (0, 1))
            if x.shape[1 - dim if isinstance(dim, int) else 0] <= 4096 or dim != 0
        } | {f"all of {len(x)}": x.sum() + x[:, 0].mean() for x in tensors}

    def make():
        rows = [torch.randn(3, length, dtype=dtype) for length in LENGTHS]
        return [*rows, *(torch.randn(length, 3, dtype=dtype) for length in LENGTHS)]

    assert_as_torch(function, make, rtol=1e-4 if dtype is torch.float32 else 1e-11, atol=1e-5)


def test_extremes_and_sums_of_what_is_no_number(assert_as_torch):
    ones = torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0, -2.0])

    def function(*tensors):
        return {
            f"{name} {number} {dim}": rule(x, dim=dim)
            for name, rule in RULES.items()
            for number, x in enumerate(tensors)
            for dim in (0, 1, (0, 1))
        }

    def make():
        rare = torch.full((7, 35), float("-inf"))
        rare[3, 20], rare[0, 34], rare[6, 0] = float("nan"), 1.0, float("inf")
        few = torch.zeros(40, 3)
        few[39, 1] = float("nan")
        return [
            ones[torch.randint(5, (20, 20))],
            rare,
            -rare,
            few,
            few.T.contiguous(),
            torch.full((2, 2), float("inf")),
        ]

    assert_as_torch(function, make)


@pytest.mark.parametrize("x", [torch.ones(2, 4097), torch.ones(0, 3), torch.ones(2, 3).half()])
def test_what_is_not_known_is_left_to_torch(assert_as_torch, x):
    assert_as_torch(lambda x, y: {"sum": x.sum(0), "known": y + 1}, lambda: [x * 2, torch.randn(2)], in_c=False)


def test_a_result_is_written_into_a_slice_of_a_gradient(assert_as_torch):
    def function(x, flat, rows, scattered):
        rows.add_(x.sum(0))
        scattered.add_(x.T.amax(0))
        return {}

    def make():
        flat = torch.randn(60)
        return [torch.randn(9, 5), flat, flat[3:8], flat[20:56:4]]

    assert_as_torch(function, make, gradients=lambda x, flat, rows, scattered: [rows, scattered])
