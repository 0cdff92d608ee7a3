"""Tensors are put together, repeated, turned and padded as torch does it; their parts are views."""

import pytest
import torch
import torch.nn.functional as F

pytestmark = pytest.mark.usefixtures("needs_compiler")

FUNCTIONS = {
    "cat": lambda a, b, c, i: torch.cat([a, b, a], 0),
    "cat along the second": lambda a, b, c, i: torch.cat([a, c], 1),
    "cat from the end": lambda a, b, c, i: torch.cat([a, c.T[:4].T, b[:3, 1:]], -1),
    "cat with nothing": lambda a, b, c, i: torch.cat([torch.zeros(0), a, a[:0]]),
    "cat of kinds": lambda a, b, c, i: torch.cat([a.double(), b]),
    "cat of whole numbers": lambda a, b, c, i: torch.cat([i, i + 1]),
    "cat of flags": lambda a, b, c, i: torch.cat([a > 0, a < 1], 1),
    "cat used and written": lambda a, b, c, i: torch.cat([a * 2, a * 2 + 1]).exp_(),
    "cat of one in two places": lambda a, b, c, i: (lambda t: torch.cat([t, t * t]))(a.tanh()),
    "stack": lambda a, b, c, i: torch.stack([a, a + 1, a.sin()]),
    "stack in the middle": lambda a, b, c, i: torch.stack([a, a.cos()], 1),
    "stack last": lambda a, b, c, i: torch.stack([a, a[[0, 2, 1]]], -1),
    "stack of numbers": lambda a, b, c, i: torch.stack([a.sum(), a[1, 1], a.mean()]),
    "repeat": lambda a, b, c, i: a.repeat(2, 3),
    "repeat by more": lambda a, b, c, i: a.repeat(2, 1, 3),
    "flip": lambda a, b, c, i: a.flip(0),
    "flip both": lambda a, b, c, i: b.T.flip([0, -1]),
    "flip none": lambda a, b, c, i: a.flip([]),
    "pad": lambda a, b, c, i: F.pad(a, (1, 2)),
    "pad rows": lambda a, b, c, i: F.pad(a, (0, 0, 3, 1), value=-1.5),
    "pad whole numbers": lambda a, b, c, i: F.pad(i, (1, 1), value=7),
    "split": lambda a, b, c, i: a.split(3, 1)[0] * a.split(3, 1)[1][:, :1],
    "split by sizes": lambda a, b, c, i: b.split([1, 4])[1] + 1,
    "chunk": lambda a, b, c, i: (lambda p: p[0].sigmoid() * p[1].tanh())(c.chunk(2, 1)),
    "unbind": lambda a, b, c, i: sum(a.unbind(0)),
    "split and written": lambda a, b, c, i: (lambda t: (t.chunk(2, 0)[0].mul_(3), t)[1])(b.clone()),
    "narrow": lambda a, b, c, i: a.narrow(1, 1, 2) * 2,
    "permuted": lambda a, b, c, i: a.unsqueeze(1).permute(2, 0, 1).contiguous().exp(),
}


def make():
    return [torch.randn(3, 4), torch.randn(5, 4), torch.randn(9, 6)[::3], torch.randint(9, (3, 2))]


def test_parts_are_put_together(assert_as_torch):
    def function(*inputs):
        return {name: each(*inputs) for name, each in FUNCTIONS.items()}

    operations = assert_as_torch(function, make)
    assert {"split", "unbind"} <= {each.name for each in operations if each.is_view}


def test_what_is_put_together_is_added_to_a_gradient(assert_as_torch):
    def function(x, flat, gradient):
        gradient.add_(torch.cat([x * 2, x]))
        return {}

    def inputs():
        flat = torch.randn(50)
        return [torch.randn(3, 5), flat, flat[11:41].view(6, 5)]

    assert_as_torch(function, inputs, gradients=lambda x, flat, gradient: [gradient])


LEFT_TO_TORCH = {
    "pad less than nothing": lambda x: F.pad(x, (-1, 2)),
    "repeat what is turned": lambda x: x.T.repeat(1, 2),
    "half precision": lambda x: torch.cat([x.half(), x.half()]),
}


@pytest.mark.parametrize("name", LEFT_TO_TORCH)
def test_what_is_not_known_is_left_to_torch(assert_as_torch, name):
    assert_as_torch(lambda x: {"it": LEFT_TO_TORCH[name](x), "x": x + 1}, lambda: [torch.randn(3, 5)], in_c=False)
