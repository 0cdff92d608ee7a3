"""Kernels that compute in float32 within, whatever they are given: the right ones pass, the wrong ones are named."""

import pytest
import torch

from corenet_torch import check


class Swish(torch.autograd.Function):
    """x σ(x), of which σ alone is computed in float32."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x.float()).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x.float())
        return (grad_output.float() * (s + x.float() * s * (1 - s))).to(x.dtype)


class Flipped(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x.float())
        return (grad_output.float() * (s - x.float() * s * (1 - s))).to(x.dtype)


class RMSNorm(torch.autograd.Function):
    """x / √(mean x² + ε) · w, of which the root is computed in float32."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        r = torch.rsqrt(x.float().square().mean(-1, keepdim=True) + 1e-6)
        return x * r.to(x.dtype) * w

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        x32, dy = x.float(), grad_output.float()
        r = torch.rsqrt(x32.square().mean(-1, keepdim=True) + 1e-6)
        n, dn = x32 * r, dy * w.float()
        dx = r * (dn - n * (dn * n).mean(-1, keepdim=True))
        return dx.to(x.dtype), (dy * n).reshape(-1, w.numel()).sum(0).to(w.dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_right_ones_pass_and_small_faults_would_have_been_seen(dtype):
    for function, shapes in ((Swish, [(8, 6)]), (RMSNorm, [(4, 16), (16,)])):
        report = check(function, *(torch.randn(shape).to(dtype) for shape in shapes))
        assert report.ok, report
        assert report.power < 1e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_a_wrong_one_is_named_with_its_line(dtype):
    report = check(Flipped, torch.randn(8, 6).to(dtype))
    assert "flipping one sign in this line makes it right" in str(report)
    assert "s - x.float() * s * (1 - s)" in str(report)
