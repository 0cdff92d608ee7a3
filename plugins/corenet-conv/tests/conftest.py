"""PyTorch as the oracle: the same module, the same weights, the same numbers."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def agrees():
    """Return a check that a module of ours has the values and all gradients of PyTorch's, in float64."""

    def check(ours, theirs, *shape):
        ours.to(dtype=torch.float64)
        theirs.double().train()
        with torch.no_grad():
            for parameter in theirs.parameters():
                parameter.normal_()
        ours.load_state_dict(theirs.state_dict())
        input = torch.randn(shape, dtype=torch.float64)
        leaf = input.clone().requires_grad_()
        expected, found = theirs(leaf), ours(input)
        if isinstance(expected, tuple):
            assert torch.equal(found[1], expected[1])
            expected, upstreams = expected[0], [torch.randn_like(expected[0]), None]
            found = found[0]
        else:
            upstreams = [torch.randn_like(expected)]
        same(found, expected.detach())
        expected.backward(upstreams[0])
        same(ours.backward(*upstreams), leaf.grad)
        names = dict(ours.named_parameters())
        assert names.keys() == dict(theirs.named_parameters()).keys()
        for name, parameter in theirs.named_parameters():
            same(names[name].grad, parameter.grad)

    return check


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
