"""PyTorch as the oracle: the same module, the same weights, the same numbers."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def agrees():
    """Return a check that a module of ours has PyTorch's values, gradients and buffers in float64, in both modes."""

    def check(ours, theirs, *shape):
        alike(ours, theirs)
        for _ in range(3):  # running statistics move
            compared(ours, theirs, shape)
        ours.eval()
        theirs.eval()
        input = torch.randn(shape, dtype=torch.float64)
        same(ours(input), theirs(input).detach())
        ours.train().freeze()
        compared(ours, theirs, shape, frozen=True)
        ours.unfreeze()

    return check


def alike(ours, theirs):
    """Give both the same weights, drawn anew, in float64."""
    ours.to(dtype=torch.float64)
    theirs.double().train()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_()
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    ours.load_state_dict(theirs.state_dict())


def compared(ours, theirs, shape, frozen=False):
    ours.zero_grad()
    theirs.zero_grad()
    input = 3 * torch.randn(shape, dtype=torch.float64) + 2
    leaf = input.clone().requires_grad_()
    expected = theirs(leaf)
    upstream = torch.randn_like(expected)
    expected.backward(upstream)
    same(ours(input), expected.detach())
    same(ours.backward(upstream), leaf.grad)
    gradients = {name: parameter.grad for name, parameter in ours.named_parameters()}
    assert gradients.keys() == dict(theirs.named_parameters()).keys()
    for name, parameter in theirs.named_parameters():
        same(gradients[name], torch.zeros_like(parameter) if frozen else parameter.grad)
    for name, buffer in theirs.named_buffers():
        same(ours.state_dict()[name], buffer)


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10, equal_nan=True)
