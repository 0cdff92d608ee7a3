"""The doors for functions of arrays: NumPy's, where forward and backward are functions of their own, and JAX's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from corenet.errors import ConfigError
from torch import Tensor

from corenet_torch.check import FunctionReport, check
from corenet_torch.jax_functions import JAX, VjpPair, imported_jax, is_jax
from corenet_torch.pairs import Library, NumPy, Pair


def check_pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *inputs: Any,
    rtol: float = 1e-6,
    atol: float = 0.0,
    seed: int = 0,
    expected_failures: Mapping[str, str] | None = None,
) -> FunctionReport:
    """Check a backward that is a function of its own, of NumPy's arrays, of JAX's, or of tensors.

    Args:
        forward: of the inputs; returns an array, or several.
        backward: of the upstream gradient, or a tuple of them if there are several outputs, and of the inputs;
            returns a gradient for each input that has one.
        inputs: arrays of one library, of which gradients are asked where they are floating-point, and what else it
            takes.
        rtol: relative error that is let pass, as rounding in backward is.
        atol: absolute error that is let pass besides.
        seed: of all random numbers, NumPy's own generator too.
        expected_failures: by check id, the reason why it fails; one that passes is a failure.

    Raises:
        ConfigError: no function is given, no input has a gradient, or an expected failure is no check.

    >>> import numpy
    >>> report = check_pair(lambda x: x**2, lambda grad_output, x: x * grad_output, numpy.random.randn(4, 3))
    >>> report.ok, report.failures[0].diagnosis.partition(":")[0]
    (False, 'a factor 2 is missing')
    """
    for name, given in (("forward", forward), ("backward", backward)):
        if not callable(given):
            raise ConfigError(f"check_pair takes two functions and then the inputs; {name} is {given!r:.80}")
    library = _library_of(inputs)
    pair = Pair(forward, backward, library)
    options: dict[str, Any] = {"rtol": rtol, "atol": atol, "seed": seed, "expected_failures": expected_failures}
    return check(pair, *map(library.taken, inputs), **options)


def check_vjp(
    fn: Callable[..., Any],
    *inputs: Any,
    rtol: float = 1e-6,
    atol: float = 0.0,
    seed: int = 0,
    expected_failures: Mapping[str, str] | None = None,
) -> FunctionReport:
    """Check the rule that ``jax.custom_vjp`` gives a function, or any function that JAX differentiates.

    Args:
        fn: what ``defvjp`` was called on, or a function that uses such.
        inputs: arrays of JAX's or NumPy's, of which gradients are asked where they are floating-point, and what else
            it takes. They are judged in float64, which JAX computes in for this, and in their own dtype, bfloat16 too.
        rtol: relative error that is let pass, as rounding in backward is.
        atol: absolute error that is let pass besides.
        seed: of the random numbers of the checks.
        expected_failures: by check id, the reason why it fails; one that passes is a failure.

    Raises:
        MissingExtraError: JAX is not installed.
        ConfigError: no function is given, no input has a gradient, or an expected failure is no check.
    """
    imported_jax()
    if not callable(fn):
        raise ConfigError(f"check_vjp takes a function of JAX's and then the inputs, not {fn!r:.80}")
    pair = VjpPair.of(fn)
    options: dict[str, Any] = {"rtol": rtol, "atol": atol, "seed": seed, "expected_failures": expected_failures}
    return check(pair, *map(pair.library.taken, inputs), **options)


def _library_of(inputs: tuple[Any, ...]) -> Library:
    if any(map(is_jax, inputs)):
        return JAX()
    return Library() if any(isinstance(each, Tensor) for each in inputs) else NumPy()
