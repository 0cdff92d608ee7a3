"""What else goes wrong in the field: memory, order of calls, subsets of gradients, sizes of upstream gradients."""

import corenet as cn
import pytest
import torch

from corenet_torch import check


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 2 * x * grad_output


class AddsItself(Square):
    """Adds the gradient that is there already, as autograd will."""

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return Square.backward(ctx, grad_output) + (0 if x.grad is None else x.grad)


class Attribute(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @staticmethod
    def backward(ctx, grad_output):
        return 2 * ctx.x * grad_output


class Unwritten(Square):
    @staticmethod
    def backward(ctx, grad_output):
        grad_input = torch.empty_like(grad_output)
        grad_input[:-1] = Square.backward(ctx, grad_output)[:-1]
        grad_input[-1] = grad_input[-1] * 0 + 1 if grad_input[-1].isnan().any() else 1
        return grad_input


class Product(torch.autograd.Function):
    """Right only where both inputs require a gradient."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            return grad_output * b, grad_output * a
        return None, grad_output * b


class Clipped(Square):
    @staticmethod
    def backward(ctx, grad_output):
        return Square.backward(ctx, grad_output.clamp(-100, 100))


class SavedTwice(torch.autograd.Function):
    """Spoils what forward computed and saved, which no argument shows."""

    @staticmethod
    def forward(ctx, x):
        slope = 2 * x
        ctx.save_for_backward(slope)
        return x * x

    @staticmethod
    def backward(ctx, grad_output):
        (slope,) = ctx.saved_tensors
        return slope.data.mul_(grad_output).clone()


@pytest.mark.parametrize(
    ("function", "which", "words", "count"),
    [
        (Attribute, "notices_changes", "ctx.save_for_backward, not as an attribute", 1),
        (Unwritten, "writes_all", "never written, first at [3, 0]: use torch.zeros", 1),
        (Product, "subsets", "where b alone require a gradient, that of b is another", 2),
        (Clipped, "upstream_values", "a huge upstream gradient", 1),
        (SavedTwice, "saved_unchanged", "backward overwrites saved tensor 0", 1),
        (AddsItself, "accumulates", "backward reads or writes .grad", 1),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_else_goes_wrong_in_the_field(function, which, words, count):
    report = check(function, *(torch.randn(4, 3) for _ in range(count)))
    (failure,) = report.failures
    assert failure.check == f"function.{which}"
    assert words in failure.message


def test_a_strict_expected_failure():
    expected = {"function.notices_changes": "only ever called once"}
    assert check(Attribute, torch.randn(4, 3), expected_failures=expected).ok
    (failure,) = check(Square, torch.randn(4, 3), expected_failures=expected).failures
    assert "remove the entry" in failure.message
    with pytest.raises(cn.ConfigError, match="did you mean 'function.gradient'"):
        check(Square, torch.randn(4, 3), expected_failures={"function.gradeint": ""})
