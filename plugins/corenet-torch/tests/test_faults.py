"""Fourteen faults of a backward, of y = x σ(x) with the derivative s + x s (1 − s): each caught, its cause named."""

import pytest
import torch

from corenet_torch import check


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output * (s + x * s * (1 - s))


class Sign(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return -grad_output * (s + x * s * (1 - s))


class Factor(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return 2 * grad_output * (s + x * s * (1 - s))


class Term(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)


class UpstreamIgnored(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return s + x * s * (1 - s)


class UpstreamContiguous(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        rows = torch.empty(x.shape, device="meta").stride()
        reach = grad_output.untyped_storage().nbytes() // grad_output.element_size()
        flat = torch.as_strided(grad_output, (reach,), (1,), 0).repeat(x.numel() // reach + 1)
        return torch.as_strided(flat, x.shape, rows, 0) * (s + x * s * (1 - s))


class InputContiguous(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        reach = x.untyped_storage().nbytes() // x.element_size()
        memory = torch.as_strided(x, (reach,), (1,), 0).repeat(x.numel() // reach + 1)
        x = memory[: x.numel()].view(x.shape)
        s = torch.sigmoid(x)
        return grad_output * (s + x * s * (1 - s))


class SharedState(torch.autograd.Function):
    kept = None

    @staticmethod
    def forward(ctx, x):
        SharedState.kept = x.clone()
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad_output):
        x = SharedState.kept
        s = torch.sigmoid(x)
        return grad_output * (s + x * s * (1 - s))


class OverwritesSaved(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        x.data.mul_(1 - s).add_(1).mul_(s)  # .data is past the version counter
        return grad_output * x.clone()


class OverwritesUpstream(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output.mul_(s + x * s * (1 - s)).clone()


class TailDropped(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        grad_input = grad_output * (s + x * s * (1 - s))
        grad_input[x.shape[0] // 4 * 4 :] = 0
        return grad_input


class WrongBeyond8(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        grad_input = grad_output * (s + x * s * (1 - s))
        grad_input[8:] *= 1.5
        return grad_input


class RoundsFloat32(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        slope = s + x * s * (1 - s)
        return grad_output * (slope.bfloat16().float() if x.dtype == torch.float32 else slope)


class ZeroBeyond(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return (grad_output * (s + x * s * (1 - s))).where(x <= 1.5, 0.0)


class Noise(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output * (s + x * s * (1 - s)) * (1 + 1e-3 * torch.randn_like(x))


# The fault, the check that must see it, and words of what it must say.
FAULTS = [
    (Sign, "gradient", "the sign is wrong"),
    (Factor, "gradient", "a factor 2 too many"),
    (Term, "gradient", "return grad_output * torch.sigmoid(x)"),
    (UpstreamIgnored, "gradient", "grad_output is ignored"),
    (UpstreamContiguous, "upstream_layouts", "grad_output.contiguous()"),
    (InputContiguous, "input_layouts", "call .contiguous()"),
    (SharedState, "two_calls", "state is shared between calls"),
    (OverwritesSaved, "arguments_unchanged", "backward overwrites x"),
    (OverwritesUpstream, "upstream_unchanged", "backward overwrites its upstream gradient"),
    (TailDropped, "sizes", "the rest of a block is lost"),
    (WrongBeyond8, "sizes", "with 33 and 130 and 1025 rows, but not with 1 and 7"),
    (RoundsFloat32, "own_dtype", "right in float64: look for what is rounded"),
    (ZeroBeyond, "gradient", "the mask of backward is too wide"),
    (Noise, "repeatable", "a second backward of one forward gives another gradient"),
]


def given():
    x = torch.randn(4, 3)
    x[0, 0], x[1, 1] = 2.0, 1.8  # where one of the faults is
    return x


@pytest.mark.parametrize(("function", "which", "words"), FAULTS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_fault_is_caught_and_its_cause_named(function, which, words):
    x = given()
    before = x.clone()
    report = check(function, x)
    assert [failure.check for failure in report.failures] == [f"function.{which}"]
    assert words in str(report.failures[0])
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_the_right_backward_passes(dtype):
    report = check(Swish, given().to(dtype))
    assert report.failures == []
    assert {result.check for result in report.results if result.verdict == "skipped"} == {"function.subsets"}
    assert report.power < 1e-5
