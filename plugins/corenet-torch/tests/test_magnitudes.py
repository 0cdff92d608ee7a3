"""Other sizes and magnitudes than those given: one more dimension, dimensions between, large numbers and zeros."""

import pytest
import torch

from corenet_torch import check


class LogSumExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.logsumexp(-1)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return grad_output[..., None] * (x - y[..., None]).exp()


LARGE = torch.linspace(-2, 2, 12).reshape(4, 3)  # some of which overflow for certain


class Overflows(LogSumExp):
    @staticmethod
    def backward(ctx, grad_output):
        x, _ = ctx.saved_tensors
        return grad_output[..., None] * x.exp() / x.exp().sum(-1, keepdim=True)


class WrongBeyond20(LogSumExp):
    @staticmethod
    def backward(ctx, grad_output):
        x, _ = ctx.saved_tensors
        return LogSumExp.backward(ctx, grad_output) * torch.where(x > 20, 1.5, 1.0)


class Length(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.norm(dim=-1)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return (grad_output / y)[..., None] * x


class HalfSquare(torch.autograd.Function):
    """Divides by the mean square, which overflows float16 above 256."""

    @staticmethod
    def forward(ctx, x):
        scale = (x.float() ** 2).mean(-1, keepdim=True).rsqrt() if x.dtype == torch.float16 else None
        scale = (x**2).mean(-1, keepdim=True).rsqrt() if scale is None else scale.half()
        ctx.save_for_backward(x, scale)
        return x * scale

    @staticmethod
    def backward(ctx, grad_output):
        x, _ = ctx.saved_tensors
        scale = (x**2).mean(-1, keepdim=True).rsqrt()
        n = x * scale
        return scale * (grad_output - n * (grad_output * n).mean(-1, keepdim=True))


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.T

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        return grad_output @ w, grad_output.flatten(0, -2).T @ x.flatten(0, -2)


class LinearOfTwo(Linear):
    """Counts the first row of each matrix of a batch."""

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        return grad_output @ w, grad_output.flatten(1)[:, : len(w)].T @ x.flatten(1)[:, : w.shape[1]]


class Keys(torch.autograd.Function):
    """The weighted sum of keys, of which backward handles whole blocks of four."""

    @staticmethod
    def forward(ctx, keys):
        ctx.save_for_backward(keys)
        return (keys**2).sum(-2)

    @staticmethod
    def backward(ctx, grad_output):
        (keys,) = ctx.saved_tensors
        grad = 2 * keys * grad_output[..., None, :]
        grad[..., keys.shape[-2] // 4 * 4 :, :] = 0
        return grad


class Affine(LogSumExp):
    """Has a term that grad_output is no factor of."""

    @staticmethod
    def backward(ctx, grad_output):
        x, _ = ctx.saved_tensors
        return LogSumExp.backward(ctx, grad_output) + x.exp() * (x + 2)


class Squared(LogSumExp):
    """Is not linear in grad_output."""

    @staticmethod
    def backward(ctx, grad_output):
        return LogSumExp.backward(ctx, torch.tanh(3 * grad_output))


@pytest.mark.parametrize(
    ("function", "inputs", "which", "words"),
    [
        (Overflows, [LARGE], "magnitudes", "1024 times as large, in float64 the output is finite"),
        (WrongBeyond20, [torch.randn(4, 3)], "magnitudes", "1024 times as large, the gradient of input at"),
        (Length, [torch.randn(4, 3)], "magnitudes", "with x of zeros, in float64 the output is finite"),
        (HalfSquare, [torch.rand(4, 3) + 1], "", ""),
        (HalfSquare, [(torch.rand(4, 3) + 1).half()], "magnitudes", "256 times as large, in float16"),
        (Linear, [torch.randn(4, 3), torch.randn(5, 3)], "", ""),
        (LinearOfTwo, [torch.randn(4, 3), torch.randn(5, 3)], "more_dimensions", "with one more leading dimension"),
        (Keys, [torch.randn(2, 4, 3)], "sizes", "with 1 and 7 and 33 entries in dimension 1, as of 7"),
        (Affine, [torch.randn(4, 3)], "gradient", "a term without grad_output"),
        (Squared, [torch.randn(4, 3)], "gradient", "ours is not linear in grad_output"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_other_sizes_and_magnitudes_show(function, inputs, which, words):
    failures = check(function, *inputs).failures
    assert [failure.check for failure in failures] == ([f"function.{which}"] if which else [])
    assert not which or words in str(failures[0])


def test_an_upstream_gradient_is_not_what_a_caller_draws_by_the_same_seed():
    """Else one that is exchanged with the input would be right."""
    torch.manual_seed(0)
    wrong = (torch.square, lambda grad_output, x: 2 * grad_output * grad_output)
    (failure,) = check(wrong, torch.randn(4, 3)).failures
    assert failure.check == "function.gradient"


def test_what_a_saturated_softmax_loses_in_float32_is_rounding():
    class Softmax(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = torch.softmax(x, -1)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, grad_output):
            (y,) = ctx.saved_tensors
            return y * (grad_output - (grad_output * y).sum(-1, keepdim=True))

    assert check(Softmax, torch.randn(4, 4)).failures == []


def test_a_direction_says_nothing_where_two_numbers_are_the_largest():
    x = torch.randn(4, 3)
    x[:2, 1] = x[:2, 0] = 5
    assert check(lambda x: x.max(-1).values, x).failures == []


def test_a_vector_beside_a_square_may_be_of_rows_or_of_columns():
    class Started(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, start):
            return x + start[:, None]

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output, grad_output.sum((*range(grad_output.dim() - 2), -1))

    assert check(Started, torch.randn(4, 4), torch.randn(4)).failures == []
