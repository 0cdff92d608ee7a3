"""Pairs of functions of NumPy's arrays: right ones pass, and what is wrong is named with its line."""

import corenet as cn
import numpy as np
import pytest
import torch

from corenet_torch import check, check_pair

# Right pairs.


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def swish(x):
    return x * sigmoid(x)


def swish_backward(grad_output, x):
    s = sigmoid(x)
    return grad_output * (s + x * s * (1 - s))


def affine(x, weight, bias):
    return x @ weight + bias


def affine_backward(grad_output, x, weight, bias):
    return grad_output @ weight.T, x.T @ grad_output, grad_output.sum(0)


def cross_entropy(logits, labels):
    shifted = logits - logits.max(1, keepdims=True)
    return np.mean(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels])


def cross_entropy_backward(grad_output, logits, labels):
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return grad_output * p / len(labels)


def both(x):
    return np.sin(x), np.cos(x)


def both_backward(grad_outputs, x):
    return grad_outputs[0] * np.cos(x) - grad_outputs[1] * np.sin(x)


def dropped(x):
    return x * (np.random.rand(*x.shape) < 0.5)


def dropped_backward(grad_output, x):
    return grad_output * (np.random.rand(*x.shape) < 0.5)  # as NumPy's generator is where it was in forward


def drawn(*shape):
    return np.random.default_rng(3).standard_normal(shape)


@pytest.mark.parametrize(
    ("forward", "backward", "inputs", "dtype"),
    [
        (swish, swish_backward, [drawn(4, 3)], np.float32),
        (affine, affine_backward, [drawn(4, 3), drawn(3, 5), drawn(5)], np.float32),
        (cross_entropy, cross_entropy_backward, [drawn(4, 3), np.array([0, 2, 1, 1])], np.float64),
        (both, both_backward, [drawn(4, 3)], np.float16),
        (lambda x: x[::-1], lambda grad_output, x: grad_output[::-1], [drawn(4, 3)], np.float64),
        (lambda x, p: x**p, lambda grad_output, x, p: p * x ** (p - 1) * grad_output, [drawn(4, 3), 3], np.float32),
    ],
    ids=["swish", "affine", "cross_entropy", "two_outputs", "reversed", "with_a_number"],
)
def test_a_right_pair_passes(forward, backward, inputs, dtype):
    given = [each.astype(dtype) if getattr(each, "dtype", None) == np.float64 else each for each in inputs]
    before = [np.copy(each) for each in given]
    report = check_pair(forward, backward, *given)
    assert report.failures == []
    assert report.power < 1e-3
    assert all(np.array_equal(each, old) for each, old in zip(given, before, strict=True))


# Wrong ones.


def without_upstream(grad_output, x):
    s = sigmoid(x)
    return s + x * s * (1 - s)


def in_place(grad_output, x):
    s = sigmoid(x)
    grad_output *= s + x * s * (1 - s)
    return grad_output


def through_memory(grad_output, x):
    memory = np.lib.stride_tricks.as_strided(grad_output, x.shape, (x.itemsize * x.shape[1], x.itemsize))
    return swish_backward(memory, x)


def unwritten(grad_output, x):
    grad_input = np.empty_like(x)
    grad_input[:-1] = swish_backward(grad_output, x)[:-1]
    grad_input[-1] = np.where(np.isnan(grad_input[-1]), grad_input[-1], swish_backward(grad_output, x)[-1])
    return grad_input


def noisy(grad_output, x):
    return swish_backward(grad_output, x) * (1 + 1e-3 * np.random.default_rng().standard_normal(x.shape))


def coarse(grad_output, x):
    slope = swish_backward(np.ones_like(x), x)
    return grad_output * (slope.astype(np.float16).astype(np.float32) if x.dtype == np.float32 else slope)


class Kept:
    @staticmethod
    def forward(x):
        Kept.x = x.copy()
        return swish(x)

    @staticmethod
    def backward(grad_output, x):
        return swish_backward(grad_output, Kept.x)


@pytest.mark.parametrize(
    ("forward", "backward", "which", "words"),
    [
        (swish, without_upstream, "gradient", "grad_output is ignored"),
        (swish, in_place, "upstream_unchanged", "backward overwrites its upstream gradient"),
        (swish, through_memory, "upstream_layouts", "grad_output.contiguous()"),
        (swish, unwritten, "writes_all", "3 of 12 elements of the gradient of x are never written"),
        (swish, noisy, "repeatable", "a second backward of one forward gives another gradient"),
        (swish, coarse, "own_dtype", "right in float64: look for what is rounded"),
        (Kept.forward, Kept.backward, "two_calls", "state is shared between calls"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_is_wrong_is_named(forward, backward, which, words):
    (failure,) = check_pair(forward, backward, drawn(4, 3).astype(np.float32)).failures
    assert failure.check == f"function.{which}"
    assert words in str(failure)


def minus(grad_output, x):
    s = sigmoid(x)
    return grad_output * (s - x * s * (1 - s))


def test_the_line_is_named_that_one_edit_mends():
    report = check_pair(swish, minus, drawn(4, 3))
    assert report.subject == "(swish, minus)"
    (failure,) = report.failures
    assert "flipping one sign in this line makes it right" in failure.diagnosis
    assert "return grad_output * (s - x * s * (1 - s))" in failure.diagnosis


def test_a_gradient_of_another_shape_is_told():
    unsummed = lambda grad_output, x, weight, bias: (*affine_backward(grad_output, x, weight, bias)[:2], grad_output)  # noqa: E731
    report = check_pair(affine, unsummed, drawn(4, 3), drawn(3, 5), drawn(5))
    assert report.error is None
    (failure,) = report.failures
    assert failure.check == "function.gradient"
    assert "the gradient of bias got (4, 5); expected (5,)" in failure.message


def test_numpy_draws_alike_in_each_forward_and_its_generator_is_left_alone():
    before = np.random.get_state()[1].copy()
    assert check_pair(dropped, dropped_backward, drawn(4, 3)).failures == []
    assert np.array_equal(np.random.get_state()[1], before)
    assert np.empty.__module__ == "numpy"


def test_pairs_of_tensors_are_what_check_takes():
    x = torch.randn(4, 3)
    pair = (torch.square, lambda grad_output, x: grad_output * x)
    one, other = check(pair, x), check_pair(*pair, x)
    assert [each.diagnosis for each in one.failures] == [each.diagnosis for each in other.failures]
    assert "a factor 2 is missing" in one.failures[0].diagnosis


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((np.square, np.ones(3)), r"check_pair takes two functions and then the inputs; backward is array"),
        ((np.square, np.square, np.ones(3, dtype=complex)), "complex numbers"),
        ((np.square, np.square, np.ones(3, dtype=int)), "needs a floating-point tensor"),
    ],
)
def test_what_is_no_pair_is_refused(given, message):
    with pytest.raises(cn.ConfigError, match=message):
        check_pair(*given)


def test_what_forward_returns_must_be_numbers():
    (failure,) = check_pair(lambda x: {"y": x}, lambda grad_output, x: x, drawn(3)).failures
    assert failure.check == "function.runs"
    assert "forward returns dict, not a tensor" in failure.message
