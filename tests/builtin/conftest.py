import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def derive():
    """Return PyTorch's answer: ``derive(function, *tensors, upstream=None)`` gives the value and each gradient."""

    def derived(function, *tensors, upstream=None):
        leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
        value = function(*leaves)
        value.backward(torch.ones_like(value) if upstream is None else upstream)
        return value.detach(), *(leaf.grad for leaf in leaves)

    return derived


@pytest.fixture
def close():
    """Return a comparison of values and dtypes as tight as the dtype is: a few roundings of its own."""

    def compare(ours, theirs, roundings=8):
        tolerance = roundings * torch.finfo(theirs.dtype).eps
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)

    return compare
