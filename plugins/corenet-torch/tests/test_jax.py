"""Functions of JAX with a rule of their own, where it is installed."""

import sys

import corenet as cn
import numpy as np
import pytest

from corenet_torch import check_pair, check_vjp


def test_without_jax_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(cn.MissingExtraError, match="functions of JAX need it: pip install jax"):
        check_vjp(np.sin, np.ones(3))


jax = pytest.importorskip("jax")
jnp = jax.numpy
DTYPES = ["float32", "bfloat16", "float16"]


def rule(backward):
    @jax.custom_vjp
    def swish(x):
        return x * jax.nn.sigmoid(x)

    swish.defvjp(lambda x: (swish(x), x), backward)
    return swish


def right(x, grad_output):
    s = jax.nn.sigmoid(x)
    return (grad_output * (s + x * s * (1 - s)),)


def minus(x, grad_output):
    s = jax.nn.sigmoid(x)
    return (grad_output * (s - x * s * (1 - s)),)


def ignores(x, grad_output):
    s = jax.nn.sigmoid(x)
    return (s + x * s * (1 - s),)


def coarse(x, grad_output):
    s = jax.nn.sigmoid(x)
    slope = s + x * s * (1 - s)
    return (grad_output * (slope.astype(jnp.bfloat16).astype(x.dtype) if x.dtype == jnp.float32 else slope),)


def clipped(x, grad_output):
    return right(x, jnp.clip(grad_output, -100, 100))


def drawn(*shape, dtype="float32"):
    return jax.random.normal(jax.random.key(0), shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_right_rule_passes_in_its_own_dtype(dtype):
    report = check_vjp(rule(right), drawn(4, 3, dtype=dtype))
    assert report.subject == "swish"
    assert report.failures == []
    assert report.power < 1e-5


@pytest.mark.parametrize(
    ("backward", "which", "words"),
    [
        (minus, "gradient", "flipping one sign in this line makes it right"),
        (ignores, "gradient", "is ignored: ours is the derivative alone"),
        (coarse, "own_dtype", "right in float64: look for what is rounded"),
        (clipped, "upstream_values", "a huge upstream gradient"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_is_wrong_is_named(backward, which, words):
    swish = rule(backward)
    (failure,) = check_vjp(swish, drawn(4, 3)).failures
    assert failure.check == f"function.{which}"
    assert words in str(failure)
    assert "test_jax.py:" in failure.diagnosis or which != "gradient"
    assert swish.bwd is backward  # edits were tried in its place
    assert not jax.config.jax_enable_x64


def test_a_function_that_jax_differentiates_itself_with_integers_and_two_outputs():
    def picked(table, rows):
        return jnp.sin(table[rows]), rows + 1  # beyond the end, JAX takes the last row and gives it no gradient

    assert check_vjp(picked, drawn(4, 3), jnp.array([0, 2, 2])).failures == []
    assert check_vjp(jax.jit(rule(right)), np.random.default_rng(0).standard_normal((4, 3))).failures == []


def test_a_pair_of_functions_of_jax():
    assert check_pair(jnp.sin, lambda grad_output, x: grad_output * jnp.cos(x), drawn(4, 3)).failures == []
    (failure,) = check_pair(jnp.square, lambda grad_output, x: grad_output * x, drawn(4, 3)).failures
    assert "a factor 2 is missing" in failure.diagnosis
