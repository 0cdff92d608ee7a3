"""A forward and a backward that are functions of their own, of tensors or of the arrays of another library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from corenet_torch.passes import tensors_of
from corenet_torch.written import Backward

NUMBERS = "fiubc"  # the kinds of dtypes that tensors have too


class Library:
    """How tensors are handed to functions, and what these return is taken back: torch's own need no change."""

    refuses_indices = True  # those beyond the end

    def given(self, value: Any) -> Any:
        """Return what a function is given for a tensor; all else is given as it is."""
        return value

    def taken(self, value: Any) -> Any:
        """Return a tensor for what a function returned; what is no number, is left."""
        return value

    def running(self, args: Sequence[Any]) -> AbstractContextManager[None]:
        """Return the context in which functions of such arguments run."""
        return nullcontext()

    def poisoned(self) -> AbstractContextManager[None]:
        """Return a context in which memory of the library's own is allocated full of NaN."""
        return nullcontext()


class NumPy(Library):
    """NumPy's arrays are the tensors' own memory, so that what is written to one is seen in the other."""

    def given(self, value: Any) -> Any:
        """Return an array in the memory of a tensor, with its strides."""
        return value.detach().numpy() if isinstance(value, Tensor) else value

    def taken(self, value: Any) -> Any:
        """Return a tensor in the memory of an array, or in other memory if torch has no such strides."""
        import numpy

        if value is None or isinstance(value, Tensor):
            return value
        array = numpy.asarray(value)
        if array.dtype.kind not in NUMBERS:
            return value
        if not array.flags.writeable or any(stride < 0 for stride in array.strides):
            array = array.copy()
        return torch.from_numpy(array)

    @contextmanager
    def running(self, args: Sequence[Any]) -> Iterator[None]:
        """Start NumPy's own generator where torch's was started, and restore it afterwards."""
        import numpy

        before = numpy.random.get_state()
        numpy.random.seed(torch.initial_seed() % 2**32)
        try:
            yield
        finally:
            numpy.random.set_state(before)

    @contextmanager
    def poisoned(self) -> Iterator[None]:
        """Fill what numpy.empty and numpy.empty_like allocate with NaN."""
        import numpy

        usual = {name: getattr(numpy, name) for name in ("empty", "empty_like")}

        def filling(make: Callable[..., Any]) -> Callable[..., Any]:
            def filled(*args: Any, **options: Any) -> Any:
                array = make(*args, **options)
                if array.dtype.kind == "f":
                    array.fill(numpy.nan)
                return array

            return filled

        try:
            for name, make in usual.items():
                setattr(numpy, name, filling(make))
            yield
        finally:
            for name, make in usual.items():
                setattr(numpy, name, make)


@dataclass(frozen=True)
class Pair:
    """Functions ``forward(*inputs)`` and ``backward(grad_output, *inputs)``."""

    forward: Callable[..., Any]
    backward: Backward
    library: Library = field(default_factory=Library)

    @property
    def source(self) -> Backward | None:
        """The backward whose lines a finding shows, if somebody wrote it."""
        return self.backward

    def outputs(self, args: Sequence[Any]) -> tuple[Tensor, ...]:
        """Run forward."""
        with self.library.running(args):
            return tensors_of(self.taken(self.forward(*map(self.library.given, args))))

    def gradients(
        self, upstreams: Sequence[Tensor | None], args: Sequence[Any], places: Sequence[int], edited: Backward | None
    ) -> Any:
        """Run backward, or an edited one, for the arguments in some places, and return what it returns, as tensors."""
        with self.library.running(args):
            given = [self.library.given(each) for each in upstreams]
            grad_output = given[0] if len(given) == 1 else tuple(given)
            return self.taken((edited or self.backward)(grad_output, *map(self.library.given, args)))

    def taken(self, found: Any) -> Any:
        """Return tensors for what a function returned, one or several."""
        if isinstance(found, tuple | list):
            return tuple(self.library.taken(each) for each in found)
        return self.library.taken(found)
