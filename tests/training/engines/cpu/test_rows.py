"""Softmax, its logarithm and the logarithm of a sum of exponentials are torch's, along any dimension of any layout."""

import pytest
import torch

pytestmark = pytest.mark.usefixtures("needs_compiler")

FUNCTIONS = {
    "softmax": torch.softmax,
    "log_softmax": torch.log_softmax,
    "logsumexp": torch.logsumexp,
    "logsumexp kept": lambda x, dim: torch.logsumexp(x, dim, keepdim=True),
}
LAYOUTS = {
    "contiguous": lambda dtype: 9 * torch.randn(3, 17, 5, dtype=dtype),
    "permuted": lambda dtype: torch.randn(5, 3, 34, dtype=dtype).permute(1, 2, 0),
    "sliced": lambda dtype: torch.randn(4, 20, 9, dtype=dtype)[1:, 1:18, ::2],
    "expanded": lambda dtype: torch.randn(3, 1, 5, dtype=dtype).expand(3, 4, 5),
    "a column": lambda dtype: torch.randn(33, 1, dtype=dtype),
    "a row": lambda dtype: 50 * torch.randn(37, dtype=dtype),
    "every other": lambda dtype: torch.randn(74, dtype=dtype)[::2],
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_lie_anyhow(assert_as_torch, dtype):
    def function(*tensors):
        named = dict(zip(LAYOUTS, tensors, strict=True))
        return {
            f"{rule} of {name} along {dim}": each(x, dim)
            for rule, each in FUNCTIONS.items()
            for name, x in named.items()
            for dim in range(-1, x.dim())
        }

    tolerance = {"rtol": 1e-5, "atol": 2e-6} if dtype is torch.float32 else {"rtol": 1e-13, "atol": 1e-13}
    assert_as_torch(function, lambda: [make(dtype) for make in LAYOUTS.values()], **tolerance)


def special():
    ones = torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 200.0, -3.5])
    x = ones[torch.randint(7, (60, 3))]
    x[:3] = torch.tensor([[float("-inf")] * 3, [float("inf")] * 3, [-1e30, 1e30, 0.5]])
    wide = torch.full((4, 35), float("-inf"))
    wide[1, 20], wide[2, 34], wide[3, 0] = 1.5, float("nan"), float("inf")
    return [x, wide]


def test_what_is_no_number_and_what_is_large(assert_as_torch):
    def function(*tensors):
        return {
            f"{rule} {number} {dim}": each(x, dim)
            for rule, each in FUNCTIONS.items()
            for number, x in enumerate(tensors)
            for dim in (0, 1)
        }

    assert_as_torch(function, special, times=3)


def test_many_rows_are_shared_out_among_threads(assert_as_torch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert_as_torch(
            lambda x: {name: each(x, 1) for name, each in FUNCTIONS.items()}, lambda: [torch.randn(999, 65)]
        )
    finally:
        torch.set_num_threads(before)


def test_a_textbooks_softmax_and_its_derivative(assert_as_torch):
    def function(x, grad):
        exponentials = (x - x.amax(-1, keepdim=True)).exp()
        y = exponentials / exponentials.sum(-1, keepdim=True)
        by_max = x - x.max(dim=-1, keepdim=True).values
        return {
            "y": y,
            "grad": y * (grad - (grad * y).sum(-1, keepdim=True)),
            "log": by_max - by_max.exp().sum(-1, True).log(),
        }

    assert_as_torch(function, lambda: [torch.randn(4, 6, 7), torch.randn(4, 6, 7)], rtol=1e-5, atol=1e-6)


LEFT_TO_TORCH = {
    "over two": lambda x: torch.logsumexp(x, (0, 1)),
    "in another precision": lambda x: torch.softmax(x.half(), 1),
}


@pytest.mark.parametrize("name", LEFT_TO_TORCH)
def test_what_is_not_known_is_left_to_torch(assert_as_torch, name):
    assert_as_torch(lambda x: {"it": LEFT_TO_TORCH[name](x), "x": x + 1}, lambda: [torch.randn(3, 5)], in_c=False)
