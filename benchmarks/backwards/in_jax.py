"""The same function in JAX: a ``custom_vjp`` whose forward and backward call those of the autograd.Function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import torch
from jax.test_util import check_grads
from torch import Tensor

from benchmarks.backwards.shown import asked

jax.config.update("jax_enable_x64", True)
_DTYPES = {torch.float64: "float64", torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}


def check_in_jax(function: Any, args: Sequence[Any]) -> None:
    """Run JAX's check_grads, in reverse mode, on what has a gradient.

    Raises:
        AssertionError: it says that the gradient is wrong.
    """
    places = asked(args)
    given = [jax.numpy.asarray(_numbers(args[place]), _DTYPES[args[place].dtype]) for place in places]
    check_grads(as_custom_vjp(function, args, places), given, order=1, modes=["rev"])


def as_custom_vjp(function: Any, args: Sequence[Any], places: Sequence[int]) -> Callable[..., Any]:
    """Return the function of the arguments at ``places``."""
    dtype = args[places[0]].dtype
    shape = function.apply(*(each.detach() if isinstance(each, Tensor) else each for each in args)).shape
    output = jax.ShapeDtypeStruct(tuple(shape), _DTYPES[dtype])
    inputs = tuple(jax.ShapeDtypeStruct(tuple(args[place].shape), _DTYPES[args[place].dtype]) for place in places)

    def leaves(values: Sequence[Any]) -> tuple[list[Any], list[Tensor]]:
        given = [each.detach() if isinstance(each, Tensor) else each for each in args]
        for place, value in zip(places, values, strict=True):
            wide = torch.from_numpy(np.array(value, dtype="float64"))
            given[place] = wide.to(args[place].dtype).requires_grad_()
        return given, [given[place] for place in places]

    def forward(*values: Any) -> Any:
        given, _ = leaves(values)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return _array(function.apply(*given), output)

    def backward(values: Sequence[Any], grad_output: Any) -> tuple[Any, ...]:
        given, wanted = leaves(values)
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(0)
            found = function.apply(*given)
            upstream = torch.from_numpy(np.array(grad_output, dtype="float64")).to(found.dtype)
            gradients = torch.autograd.grad(found, wanted, upstream, allow_unused=True)
        return tuple(
            _array(torch.zeros_like(leaf) if each is None else each, form)
            for leaf, each, form in zip(wanted, gradients, inputs, strict=True)
        )

    @jax.custom_vjp
    def called(*values: Any) -> Any:
        return jax.pure_callback(forward, output, *values)

    called.defvjp(
        lambda *values: (called(*values), values),
        lambda values, grad_output: jax.pure_callback(backward, inputs, values, grad_output),
    )
    return called


def _numbers(tensor: Tensor) -> Any:
    return tensor.detach().double().numpy()


def _array(tensor: Tensor, form: Any) -> Any:
    return _numbers(tensor).astype(form.dtype)
