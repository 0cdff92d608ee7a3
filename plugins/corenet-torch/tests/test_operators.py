"""Custom operators of torch.library: checked by any of their names, down to the line that was registered."""

import pytest
import torch

from corenet_torch import check


@torch.library.custom_op("corenet_tests::swish", mutates_args=())
def swish(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(x)


@torch.library.custom_op("corenet_tests::wrong", mutates_args=())
def wrong(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(x) * scale


@torch.library.custom_op("corenet_tests::summed", mutates_args=())
def summed(parts: list[torch.Tensor]) -> torch.Tensor:
    return sum(parts).clone()


@torch.library.custom_op("corenet_tests::bare", mutates_args=())
def bare(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def swish_backward(ctx, grad_output):
    (x,) = ctx.saved_tensors
    s = torch.sigmoid(x)
    return grad_output * (s + x * s * (1 - s))


def wrong_backward(ctx, grad_output):
    x, scale = ctx.saved_tensors
    s = torch.sigmoid(x)
    grad_scale = grad_output * x * s
    return grad_output * (s - x * s * (1 - s)) * scale, grad_scale


def summed_backward(ctx, grad_output):
    return [2 * grad_output, grad_output]


swish.register_autograd(swish_backward, setup_context=keep)
wrong.register_autograd(wrong_backward, setup_context=keep)
summed.register_autograd(summed_backward)


def given(*shapes):
    return [torch.randn(each) for each in shapes]


@pytest.mark.parametrize(
    "operator",
    [swish, torch.ops.corenet_tests.swish, torch.ops.corenet_tests.swish.default, lambda x: swish(x)],
    ids=["definition", "packet", "overload", "function"],
)
def test_a_right_operator_passes_by_any_of_its_names(operator):
    report = check(operator, *given((4, 3)))
    assert report.failures == []
    assert report.power < 1e-5
    assert report.subject in ("corenet_tests::swish", "<lambda>")


@pytest.mark.parametrize("operator", [wrong, torch.ops.corenet_tests.wrong], ids=["definition", "packet"])
def test_the_line_of_the_registered_backward_is_shown(operator):
    before = wrong._backward_fn
    report = check(operator, *given((4, 3), (4, 3)))
    (failure,) = report.failures
    assert failure.check == "function.gradient"
    assert "the gradient of x at" in failure.message
    assert "flipping one sign in this line makes it right" in failure.diagnosis
    assert "test_operators.py:" in failure.diagnosis
    assert "return grad_output * (s - x * s * (1 - s)) * scale, grad_scale" in failure.diagnosis
    assert wrong._backward_fn is before  # edits were tried in its place


def test_an_operator_of_several_tensors_in_a_list():
    report = check(lambda a, b: summed([a, b]), *given((4, 3), (4, 3)))
    (failure,) = report.failures
    assert "the gradient of a at" in failure.message
    assert "return [2 * grad_output, grad_output]" in failure.diagnosis


def test_an_operator_without_a_backward():
    (failure,) = check(bare, *given((4, 3))).failures
    assert failure.check == "function.runs"
    assert "no autograd formula was registered" in failure.message
