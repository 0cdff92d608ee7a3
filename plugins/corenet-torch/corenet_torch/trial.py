"""A function on trial: its call in float64 where it takes that, and what one forward and one backward of it give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from corenet.contracts.case import Case
from corenet.registry.collect import reason_of
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.gradcheck.report import GradientReport
from corenet.testing.support.trial import seeded
from torch import Tensor

from corenet_torch.borrowed import borrowed
from corenet_torch.call import Call
from corenet_torch.passes import Pass
from corenet_torch.slopes import OwnSlopes, Slope

UPSTREAM = 3_000_017  # the seed of upstream gradients
Upstreams = tuple[Tensor | None, ...]
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-4}  # of the largest: another layout may add in another order
NARROW = 1e-9, 1e-4  # relative steps: one that float32 loses, and one that it keeps and types of 16 bits lose
HALF = 16.0  # likewise, in last digits of a type of fewer digits


@dataclass(frozen=True)
class Found:
    """The outputs of a forward, and the gradient of each tensor by name."""

    outputs: tuple[Tensor, ...]
    gradients: Mapping[str, Tensor]


@dataclass(frozen=True)
class FunctionTrial:
    """One call of a function; ``parameters`` are those of a module, ``seed`` governs what is drawn."""

    call: Call
    parameters: Mapping[str, Tensor]
    seed: int = 0
    rtol: float = 1e-6
    atol: float = 0.0
    case: Case = field(default_factory=Case)

    def __str__(self) -> str:
        return f"{self.call.name} on {', '.join(map(_form, self.call.args))}"

    @property
    def factory(self) -> Callable[..., Any]:
        """What findings point to."""
        return self.call.owner

    @property
    def dtype(self) -> torch.dtype:
        """The type of the numbers."""
        return self.call.dtype

    @cached_property
    def refusal(self) -> str:
        """Why there is nothing to compare in float64; an empty string if it computes in that."""
        exact = self.cast(torch.float64)
        try:
            outputs = exact.found().outputs
        except Exception as error:  # noqa: BLE001 - a stranger's code may refuse a type in any way
            return reason_of(error)
        types = {each.dtype for each in outputs if each.is_floating_point()}
        if not types <= {torch.float64}:
            return f"of float64 it gives {', '.join(map(_short, types))}"
        narrow = "" if self.dtype == torch.float64 else exact.read_in_float32
        return f"it reads {narrow} in float32" if narrow else ""

    @cached_property
    def read_in_float32(self) -> str:
        """The first input or parameter that is cast to float32 before all else, as kernels do; '' if none.

        Of such a one the digits of float64 change no output, while those that float32 has do. One that is cast to
        still fewer digits is no such one: that is a fault, which float64 shows.
        """
        tensors = dict(zip(self.call.names, self.call.inputs, strict=True)) | dict(self.parameters)
        return next((name for name in tensors if self._is_read_in_float32(tensors, name)), "")

    def _is_read_in_float32(self, tensors: Mapping[str, Tensor], name: str) -> bool:
        generator = torch.Generator().manual_seed(self.seed)
        part = 0.5 + 0.5 * torch.rand(tensors[name].shape, generator=generator, dtype=torch.float64)
        moved = {step: tensors[name] * (1 + step * part.to(tensors[name].device)) for step in NARROW}
        fine, plain, other = (
            self._with(tensors | {name: each}).forward().outputs
            for each in (moved[NARROW[0]], moved[NARROW[0]].float().double(), moved[NARROW[1]])
        )
        return _are_equal(fine, plain) and not _are_equal(fine, other)

    def _with(self, tensors: Mapping[str, Tensor]) -> FunctionTrial:
        """Return the trial of other inputs and parameters, by name."""
        parameters = {name: tensors[name] for name in self.parameters}
        call = self.call.with_inputs([tensors[name] for name in self.call.names])
        return replace(self, call=call, parameters=parameters)

    @cached_property
    def best(self) -> FunctionTrial:
        """The trial in float64, or as it was given."""
        return self if self.refusal else self.cast(torch.float64)

    @cached_property
    def gradients(self) -> GradientReport:
        """The gradients against differences in float64."""
        return self.examined()

    @cached_property
    def slopes(self) -> list[Slope]:
        """The gradients against differences in the trial's own dtype."""
        return list(OwnSlopes(self))

    def examined(self, most: int = 2000) -> GradientReport:
        """Return what differences in float64 say, of up to so many elements of a tensor."""
        return examine(
            borrowed(self.call, self.parameters),
            *self.call.inputs,
            rtol=self.rtol,
            atol=self.atol,
            seed=UPSTREAM + self.seed,  # else upstream gradients were the numbers that a caller draws by the same seed
            most=most,
        )

    def cast(self, dtype: torch.dtype) -> FunctionTrial:
        """Return the trial in another type."""
        parameters = {name: each.to(dtype) for name, each in self.parameters.items()}
        return replace(self, call=self.call.cast(dtype), parameters=parameters)

    def on(self, call: Call) -> FunctionTrial:
        """Return the trial of a call with other arguments."""
        return replace(self, call=call)

    def forward(self, wanted: Sequence[bool] | None = None) -> Pass:
        """Run forward with the generator seeded."""
        with seeded(self.seed):
            return self.call.run(self.call.inputs, self.parameters, wanted)

    @cached_property
    def is_random(self) -> bool:
        """Whether forward draws numbers from torch's generator."""
        with seeded(self.seed):
            before = torch.get_rng_state()
            self.call.run(self.call.inputs, self.parameters)
            return not torch.equal(before, torch.get_rng_state())

    def found(self, upstreams: Upstreams | None = None) -> Found:
        """Run forward and backward."""
        passed = self.forward()
        return self.of(passed, self.upstreams(passed) if upstreams is None else upstreams)

    def of(self, passed: Pass, upstreams: Upstreams) -> Found:
        """Return what a backward of a forward gives, with copies of the outputs; zero where it gives None."""
        found = passed.gradients(upstreams)
        gradients = {
            name: torch.zeros_like(leaf) if each is None else each.detach().clone()
            for name, leaf, each in zip(self.names, passed.leaves, found, strict=True)
        }
        return Found(tuple(each.detach().clone() for each in passed.outputs), gradients)

    def upstreams(self, passed: Pass, seed: int = 0) -> Upstreams:
        """Draw an upstream gradient of each output, None for one of integers."""
        generator = torch.Generator().manual_seed(UPSTREAM + self.seed + seed)
        return tuple(_drawn(each, generator) if each.is_floating_point() else None for each in passed.outputs)

    @property
    def names(self) -> tuple[str, ...]:
        """The tensors that have a gradient."""
        return (*self.call.names, *self.parameters)

    def differs(self, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
        """Return the name of the first gradient that is not as expected, '' if all are.

        Rounding is allowed for, of the largest element, or of that of the usual gradient: a small one may be what is
        left of large terms.
        """
        usual = self.usual.gradients
        return next((name for name, each in expected.items() if not self._near(found[name], each, usual[name])), "")

    def outputs_differ(self, found: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
        """Tell whether some output is not as expected, up to rounding."""
        triples = zip(found, expected, self.usual.outputs, strict=True)
        return not all(self._near(each.detach(), wanted.detach(), usual) for each, wanted, usual in triples)

    @cached_property
    def usual(self) -> Found:
        """The outputs and gradients of the arguments as given."""
        return self.found()

    def _near(self, found: Tensor, expected: Tensor, usual: Tensor) -> bool:
        if not expected.is_floating_point():
            return torch.equal(found, expected)
        tolerance = TOLERANCES.get(expected.dtype, HALF * torch.finfo(expected.dtype).eps)
        allowed = tolerance * max(largest(expected), largest(usual))
        return torch.allclose(found, expected, rtol=0, atol=allowed, equal_nan=True)


def largest(tensor: Tensor) -> float:
    """Return the size of the largest finite number, 0 if there is none."""
    finite = tensor[tensor.isfinite()].abs()
    return finite.max().item() if finite.numel() else 0.0


def _are_equal(outputs: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return len(outputs) == len(others) and all(map(torch.equal, outputs, others))


def _drawn(output: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output)


def _form(value: Any) -> str:
    if not isinstance(value, Tensor):
        return repr(value) if len(repr(value)) < 20 else type(value).__name__
    return f"{_short(value.dtype)}[{','.join(map(str, value.shape))}]"


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
