"""Functions of JAX, with the backward that ``jax.custom_vjp`` gives them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from corenet.errors import MissingExtraError
from torch import Tensor

from corenet_torch.pairs import NUMBERS, Library, Pair
from corenet_torch.written import Backward


def imported_jax() -> Any:
    """Return the module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import jax
    except ImportError as error:
        raise MissingExtraError("functions of JAX need it: pip install jax") from error
    return jax


def is_jax(value: Any) -> bool:
    """Tell whether it is an array of JAX, which is not imported for that."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


class JAX(Library):
    """JAX's arrays are copies of tensors, in all of their dtypes; float64 where it is asked for."""

    refuses_indices = False  # forward takes the last entry, and backward none

    def given(self, value: Any) -> Any:
        """Return a copy as JAX's array."""
        if not isinstance(value, Tensor):
            return value
        tensor = value.detach().contiguous()
        if tensor.dtype == torch.bfloat16:  # which NumPy alone has not
            import ml_dtypes

            return imported_jax().numpy.array(tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16))
        return imported_jax().numpy.array(tensor.numpy())

    def taken(self, value: Any) -> Any:
        """Return a copy as a tensor; keys of random numbers, and what else has no dtype of torch's, are left."""
        import numpy

        if not (is_jax(value) or isinstance(value, numpy.ndarray | numpy.generic)):
            return value
        if str(value.dtype) == "bfloat16":
            return torch.from_numpy(numpy.array(value).view(numpy.int16)).view(torch.bfloat16)
        return torch.from_numpy(numpy.array(value)) if numpy.dtype(value.dtype).kind in NUMBERS else value

    @contextmanager
    def running(self, args: Sequence[Any]) -> Iterator[None]:
        """Let JAX compute in float64 where an argument has it."""
        jax = imported_jax()
        wide = any(isinstance(each, Tensor) and each.dtype == torch.float64 for each in args)
        enable: Any = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
        with enable(wide):
            yield


@dataclass(frozen=True)
class VjpPair(Pair):
    """A function, and the backward that ``jax.vjp`` runs for it; ``backward`` is not called."""

    @classmethod
    def of(cls, fn: Callable[..., Any]) -> VjpPair:
        """Return the pair of a function that JAX can differentiate."""
        return cls(fn, fn, JAX())

    @property
    def source(self) -> Backward | None:
        """What ``defvjp`` was given as backward, None if the function has no rule of its own."""
        found: Backward | None = getattr(self.forward, "bwd", None)
        return found

    def gradients(
        self, upstreams: Sequence[Tensor | None], args: Sequence[Any], places: Sequence[int], edited: Backward | None
    ) -> Any:
        """Run forward and backward, by the rule of the function."""
        import numpy

        jax = imported_jax()
        with self.library.running(args), self._replaced(edited):
            given = [self.library.given(each) for each in args]

            def of_places(*chosen: Any) -> Any:
                of = dict(zip(places, chosen, strict=True))
                return self.forward(*(of.get(place, each) for place, each in enumerate(given)))

            outputs, backward = jax.vjp(of_places, *(given[place] for place in places))
            several = isinstance(outputs, tuple | list)
            wanted = [
                numpy.zeros(each.shape, jax.dtypes.float0) if upstream is None else self.library.given(upstream)
                for each, upstream in zip(outputs if several else [outputs], upstreams, strict=True)
            ]
            return self.taken(backward(type(outputs)(wanted) if several else wanted[0]))

    @contextmanager
    def _replaced(self, edited: Backward | None) -> Iterator[None]:
        if edited is None:
            yield
            return
        holder: Any = self.forward
        before = holder.bwd
        holder.bwd = edited
        try:
            yield
        finally:
            holder.bwd = before
