"""What is to be proven: a function of torch's, with the arguments that it is called with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import Parameter, signature
from typing import Any

import torch
from corenet.errors import ConfigError
from torch import Tensor
from torch.func import functional_call

from corenet_torch.operators import arguments_of, overload_of
from corenet_torch.pairs import Pair
from corenet_torch.passes import GraphPass, PairPass, Pass, tensors_of
from corenet_torch.subjects import name_of, refuse_other
from corenet_torch.widened import widened
from corenet_torch.written import Backward, Written, written_in

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Call:
    """``fn`` with its arguments; ``places`` are those of the tensors among them that gradients are asked of.

    ``fn`` is a subclass of ``torch.autograd.Function``, a ``torch.nn.Module``, a pair of functions ``(forward,
    backward)``, a custom operator, or any function of tensors that autograd can follow.
    """

    fn: Any
    args: tuple[Any, ...]
    places: tuple[int, ...]
    widens: bool = False  # whether what it casts to float32 stays in float64

    @classmethod
    def of(cls, fn: Any, args: Sequence[Any]) -> Call:
        """Return the call; of floating-point tensors those have a gradient that require one, or all if none does.

        Raises:
            ConfigError: ``fn`` is nothing that can be checked, or no argument has a gradient.
        """
        refuse_other(fn)
        floating = [place for place, each in enumerate(args) if isinstance(each, Tensor) and each.is_floating_point()]
        if any(isinstance(each, Tensor) and each.is_complex() for each in args):
            raise ConfigError(f"{name_of(fn)} is given complex numbers, which corenet_torch does not check yet")
        asked = [place for place in floating if args[place].requires_grad]
        copies = tuple(each.detach().clone() if isinstance(each, Tensor) else each for each in args)
        found = cls(fn, copies, tuple(asked or floating))
        if not found.places and not found.parameters:
            raise ConfigError(f"{name_of(fn)} needs a floating-point tensor, of which to take a gradient")
        return found

    @property
    def name(self) -> str:
        """What to call it in a report."""
        return name_of(self.fn)

    @cached_property
    def function(self) -> type[torch.autograd.Function] | None:
        """The autograd.Function that is applied, if it is one."""
        return self.fn if isinstance(self.fn, type) else None

    @cached_property
    def module(self) -> torch.nn.Module | None:
        """The module that is called, if it is one."""
        return self.fn if isinstance(self.fn, torch.nn.Module) else None

    @cached_property
    def pair(self) -> Pair | None:
        """The functions ``forward`` and ``backward``, if it is a pair."""
        if isinstance(self.fn, tuple):
            return Pair(*self.fn)
        return self.fn if isinstance(self.fn, Pair) else None

    @cached_property
    def parameters(self) -> Mapping[str, Tensor]:
        """The parameters of a module that are trained, by name."""
        named = self.module.named_parameters() if self.module is not None else ()
        return {name: each.detach() for name, each in named if each.requires_grad}

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that gradients are asked of."""
        return tuple(self.args[place] for place in self.places)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the numbers."""
        return next(iter((*self.inputs, *self.parameters.values()))).dtype

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What to call each of the inputs: what forward calls it."""
        taken = self._taken
        if len(taken) < len(self.args):
            return tuple(f"input{place}" for place in self.places)
        return tuple(taken[place] for place in self.places)

    def with_args(self, args: Iterable[Any]) -> Call:
        """Return the call with other arguments in the same places."""
        return replace(self, args=tuple(args))

    def with_inputs(self, inputs: Sequence[Tensor]) -> Call:
        """Return the call with other tensors of which gradients are asked."""
        of = dict(zip(self.places, inputs, strict=True))
        return self.with_args(of.get(place, each) for place, each in enumerate(self.args))

    def cast(self, dtype: torch.dtype) -> Call:
        """Return the call with all floating-point arguments converted; of a module, parameters are given apart."""
        widens = dtype == torch.float64 and (self.widens or self.dtype != torch.float64)
        return replace(self.with_args(_as(dtype, each) for each in self.args), widens=widens)

    def run(
        self, inputs: Sequence[Tensor], parameters: Mapping[str, Tensor], wanted: Sequence[bool] | None = None
    ) -> Pass:
        """Return a forward of such inputs and parameters; ``wanted`` says which inputs require a gradient."""
        if self.pair is not None:
            return self._run_pair(inputs)
        asks = [True] * len(inputs) if wanted is None else wanted
        leaves = [each.detach().requires_grad_(ask) for each, ask in zip(inputs, asks, strict=True)]
        weights = {name: each.detach().as_subclass(Tensor).requires_grad_() for name, each in parameters.items()}
        with torch.enable_grad(), widened(self.widens):
            outputs = tensors_of(self._called(self.with_inputs(leaves).args, weights))
        asked = [*(leaf for leaf, ask in zip(leaves, asks, strict=True) if ask), *weights.values()]
        return GraphPass(tuple(asked), outputs, self.widens, self.written)

    def outputs(self, parameters: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return the outputs alone."""
        if self.pair is not None:
            return self.pair.outputs(self.args)
        return tensors_of(self._called(self.args, parameters))

    @property
    def refuses_indices(self) -> bool:
        """Whether an index beyond the end is an error, as it is in torch."""
        return self.pair is None or self.pair.library.refuses_indices

    def poisoned(self) -> AbstractContextManager[None]:
        """Return a context in which memory that is no tensor's is allocated full of NaN."""
        return nullcontext() if self.pair is None else self.pair.library.poisoned()

    @cached_property
    def written(self) -> Written | None:
        """The backward that is on trial, if somebody wrote it, and one alone, for autograd to run."""
        if self.function is not None:
            return Written(self.function)
        if self.pair is not None:
            return None
        leaves = [each.detach().requires_grad_() for each in self.inputs]
        weights = {name: each.detach().requires_grad_() for name, each in self.parameters.items()}
        try:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                found = written_in(tensors_of(self._called(self.with_inputs(leaves).args, weights)))
        except Exception:  # noqa: BLE001 - a stranger's code may raise anything; the checks report it
            return None
        return found[0] if len(found) == 1 else None

    @property
    def backward(self) -> Backward | None:
        """The backward that somebody wrote, if it is one."""
        if self.pair is not None:
            return self.pair.source
        return None if self.written is None else self.written.backward

    @property
    def owner(self) -> Callable[..., Any]:
        """What is written in the file that findings should point to."""
        if self.pair is not None:
            return self.pair.source or self.pair.forward
        if self.written is not None:
            return self.written.owner
        return type(self.module) if self.module is not None else self.fn

    @property
    def plain(self) -> Callable[..., Any]:
        """What is called with the arguments; a module has its own parameters, in their dtype."""
        if self.function is not None:
            applied: Callable[..., Any] = self.function.apply
            return applied
        return self.fn if self.module is None else lambda *args: self._called(args, {})

    def _called(self, args: tuple[Any, ...], parameters: Mapping[str, Tensor]) -> Any:
        if self.function is not None:
            return self.function.apply(*args)
        if self.module is None:
            return self.fn(*args)
        dtype = next((each.dtype for each in (*parameters.values(), *args) if _is_float(each)), torch.float32)
        rest = {**dict(self.module.named_parameters()), **dict(self.module.named_buffers())}
        state = {name: _as(dtype, each.detach()).clone() for name, each in rest.items() if name not in parameters}
        return functional_call(self.module, {**state, **parameters}, args)

    def _run_pair(self, inputs: Sequence[Tensor]) -> PairPass:
        assert self.pair is not None
        args = self.with_inputs([each.detach() for each in inputs]).args
        with torch.no_grad(), widened(self.widens):
            return PairPass(tuple(inputs), self.pair.outputs(args), self.widens, self.pair, args, self.places)

    @property
    def _taken(self) -> list[str]:
        """The arguments of forward by place, without the context of an autograd.Function."""
        if self.function is not None:
            takes = _positional(self.function.forward)
            own_context = self.function.setup_context is not torch.autograd.Function.setup_context
            return takes if own_context else takes[1:]
        if (overload := overload_of(self.fn)) is not None:
            return arguments_of(overload)
        function = (
            self.pair.forward if self.pair is not None else self.fn if self.module is None else self.module.forward
        )
        try:
            return _positional(function)
        except (TypeError, ValueError):  # as of a function that is written in C
            return []


def _positional(function: Callable[..., Any]) -> list[str]:
    return [each.name for each in signature(function).parameters.values() if each.kind in POSITIONAL]


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _as(dtype: torch.dtype, value: Any) -> Any:
    return value.to(dtype) if _is_float(value) else value
