"""What the tests share: PyTorch's autograd as the oracle."""

import pytest
import torch
from torch import nn


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def agrees():
    """Return a comparison of a loss with PyTorch's: the value, and the gradient of each input.

    ``theirs`` takes the inputs one by one and then the target, if it takes one at all.
    """

    def compare(ours, theirs, input, target, tolerance=1e-10):
        several = input if isinstance(input, tuple) else (input,)
        leaves = [each.detach().clone().requires_grad_() for each in several]
        expected = _called(theirs, leaves, target)
        expected.sum().backward()
        close = {"rtol": tolerance, "atol": tolerance}
        torch.testing.assert_close(ours(input, target), expected.detach(), **close)
        gradients = ours.backward()
        assert isinstance(gradients, tuple) is isinstance(input, tuple)
        found = gradients if isinstance(input, tuple) else (gradients,)
        for mine, leaf in zip(found, leaves, strict=True):
            torch.testing.assert_close(mine, torch.zeros_like(leaf) if leaf.grad is None else leaf.grad, **close)

    return compare


def _called(theirs, leaves, target):
    if isinstance(theirs, nn.GaussianNLLLoss):
        mean, variance = leaves
        return theirs(mean, target, variance)
    return theirs(*leaves) if target is None else theirs(*leaves, target)
