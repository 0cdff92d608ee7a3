"""What the tests share: PyTorch's autograd as the oracle."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def agrees():
    """Return a comparison of a module with PyTorch's: outputs, and the gradients of input and parameters."""

    def compare(ours, theirs, input, tolerance=1e-10):
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            mine.copy_(other.detach())
        leaf = input.detach().clone().requires_grad_()
        expected = theirs(leaf)
        upstream = torch.randn(expected.shape, dtype=expected.dtype)
        expected.backward(upstream)
        close = {"rtol": tolerance, "atol": tolerance, "equal_nan": True}
        torch.testing.assert_close(ours(input), expected.detach(), **close)
        torch.testing.assert_close(ours.backward(upstream), leaf.grad, **close)
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, other.grad, **close)

    return compare
