"""Products of matrices are torch's, whatever their sizes and however they lie."""

from itertools import cycle, product

import pytest
import torch

from corenet.training.engines.cpu.cc import library
from corenet.training.engines.cpu.codegen import compile_calls
from corenet.training.engines.recording.op_log import OpLog

pytestmark = pytest.mark.usefixtures("needs_compiler")

SIZES = [1, 7, 8, 15, 16, 17, 25, 63, 64, 65, 100, 130, 257, 300]
# Each size as rows, depth and columns.
TRIPLES = [
    (size, SIZES[(number + 3) % len(SIZES)], SIZES[(number * step) % len(SIZES)])
    for step in (3, 5)
    for number, size in enumerate(SIZES)
]
TURNS = {"as it is": lambda x: x, "transposed": lambda x: x.T.contiguous().T, "sliced": lambda x: widened(x)[1:, 1::2]}


def widened(x):
    wide = torch.full((x.shape[0] + 1, 2 * x.shape[1] + 1), float("nan"), dtype=x.dtype)
    wide[1:, 1::2] = x
    return wide


def matrix(rows, columns, dtype=torch.float64):
    return torch.randn(rows, columns, dtype=dtype)


CASES = [
    *zip(TRIPLES, cycle(product(TURNS, TURNS)), cycle([False, True])),  # in C they have nothing in common
    *product([(25, 17, 37)], product(TURNS, TURNS), [False, True]),
]


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-4), (torch.float64, 1e-11)])
def test_any_sizes_are_multiplied(assert_as_torch, dtype, digits):
    def function(*tensors):
        return {
            f"{number}: {case}": torch.addmm(bias, a, b).addmm_(a, b) if case[2] else a @ b
            for number, (case, a, b, bias) in enumerate(
                zip(CASES, tensors[::3], tensors[1::3], tensors[2::3], strict=True)
            )
        }

    def make():
        return [
            each
            for (m, k, n), (left, right), _ in CASES
            for each in (
                TURNS[left](matrix(m, k, dtype)),
                TURNS[right](matrix(k, n, dtype)),
                torch.randn(n, dtype=dtype),
            )
        ]

    assert_as_torch(function, make, times=1, rtol=digits, atol=digits)


def test_products_in_batches(assert_as_torch):
    def function(a, b, shared, one):
        return {
            "bmm": torch.bmm(a, b),
            "transposed": torch.bmm(b.mT, a.mT),
            "expanded left": torch.bmm(shared.expand(3, 5, 17), b),
            "expanded right": torch.bmm(a, shared.T.expand(3, 17, 5)),
            "permuted": torch.bmm(b.permute(1, 0, 2), b.permute(1, 2, 0)),
            "a batch of two": torch.bmm(a[1:], b[:2]),
            "a batch of one": torch.bmm(a[2:], b[1:2]),
            "of a flat tensor": torch.bmm(one.view(3, 5, 17), b),
        }

    def make():
        return [torch.randn(3, 5, 17), torch.randn(3, 17, 33), torch.randn(5, 17), torch.randn(255)]

    assert_as_torch(function, make, rtol=1e-5, atol=1e-5)


def test_biases_of_every_kind(assert_as_torch):
    def function(a, b, one, single, row):
        return {
            "a number": torch.addmm(one, a, b),
            "one for all": torch.addmm(single, a, b),
            "every other": torch.addmm(row[::2], a, b),
            "deep": torch.addmm(row[:4], b.T, a.T @ a @ b),
        }

    def make():
        return [matrix(300, 9), matrix(9, 4), *(torch.randn(size).double() for size in ((), 1, 8))]

    assert_as_torch(function, make)


LEFT_TO_TORCH = {
    "a bias for each": lambda a, b, half: torch.addmm(a @ b, a, b),
    "factors": lambda a, b, half: torch.addmm(b[0], a, b, beta=2, alpha=3),
    "nothing to add": lambda a, b, half: a[:, :0] @ b[:0],
    "half precision": lambda a, b, half: half @ half.T,
    "factors in place": lambda a, b, half: b.clone().addmm_(a.T, a @ b, beta=2),
    "in place of a part of itself": lambda a, b, half: (wide := a.repeat(2, 2))[:, :5].addmm_(wide[:, 5:], a[:5]),
    "a vector": lambda a, b, half: a @ b[:, 0],
}


@pytest.mark.parametrize("name", LEFT_TO_TORCH)
def test_what_is_not_known_is_left_to_torch(assert_as_torch, name):
    def function(*tensors):
        return {"known": tensors[0] + 1, name: LEFT_TO_TORCH[name](*tensors)}

    assert_as_torch(function, lambda: [matrix(6, 5), matrix(5, 4), torch.randn(3, 2).half()], in_c=False)


def test_numbers_that_are_none_stay_in_their_row_and_column(assert_as_torch):
    def make():
        a, b = torch.randn(30, 20), torch.randn(20, 70)
        a[3, 5], b[7, 66], b[19, 2] = float("nan"), float("inf"), float("-inf")
        return [a, b]

    assert_as_torch(lambda a, b: {"product": a @ b, "transposed": b.T @ a.T}, make, rtol=1e-5, atol=1e-5)


def test_products_are_written_into_slices_of_a_gradient(assert_as_torch):
    def function(x, y, flat, first, second, sliced, turned, single):
        first.add_(x.T @ y)
        sliced.add_(x.T @ y)
        turned.add_(x.T @ y)
        second.add_(y.T @ x)
        single.add_(x.T @ y)  # of more digits than it keeps
        return {}

    def make():
        flat = torch.randn(70).double()
        gradients = flat[2:32].view(5, 6), flat[35:65].view(6, 5)
        others = matrix(5, 8)[:, 1:7], matrix(6, 5).T, torch.randn(5, 6)
        return [matrix(9, 5), matrix(9, 6), flat, *gradients, *others]

    assert_as_torch(function, make, in_c=None, gradients=lambda x, y, flat, *gradients: gradients)


@pytest.mark.parametrize("operands", [lambda a: (a, a), lambda a: (a.T, a), lambda a: (a[:100], a)])
def test_threads_share_a_large_product_and_change_nothing(operands):
    a = matrix(200, 200, torch.float32)
    before = torch.get_num_threads()
    try:
        found = [by_threads(count, *operands(a)) for count in (1, 2)]
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)
    torch.testing.assert_close(found[0], torch.mm(*operands(a)), rtol=1e-4, atol=1e-4)


def by_threads(count, a, b):
    torch.set_num_threads(count)
    library.cache_clear()
    with OpLog() as log:
        result = a @ b
    (call,) = compile_calls(log.operations, [], [result])
    result.zero_()
    call()
    return result.clone()
