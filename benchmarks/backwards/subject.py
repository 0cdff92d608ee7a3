"""A function with a right backward, and the same function with one fault each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Shown = str  # where a fault changes the gradient: one of the keys of ``shown.SHOWN``


@dataclass(frozen=True)
class Draw:
    """Random numbers for the arguments of a function, in float64; ``rows`` and ``columns`` are the sizes to use."""

    rows: int
    columns: int
    generator: torch.Generator

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def integers(self, below: int, *shape: int) -> Tensor:
        return torch.randint(below, shape, generator=self.generator)

    @property
    def table(self) -> Tensor:
        return self.normal(self.rows, self.columns)


@dataclass(frozen=True)
class Fault:
    """A function with one fault: ``kind`` of mistake, modelled on ``source``.

    ``says`` is the pattern that a diagnosis must have to name the cause right; ``dtype`` is what the function is used
    in, and ``shown`` says where the gradient is another.
    """

    function: Any
    kind: str
    source: str
    says: str
    shown: Shown
    dtype: torch.dtype

    @property
    def name(self) -> str:
        return self.function.__name__


@dataclass(frozen=True)
class Subject:
    """A function, drawn arguments for it, and its faults."""

    name: str
    function: Any
    draw: Callable[[Draw], tuple[Any, ...]]
    faults: list[Fault] = field(default_factory=list)

    def fault(
        self, kind: str, says: str, source: str, shown: Shown = "plain", dtype: torch.dtype = torch.float32
    ) -> Callable[[Any], Any]:
        """Return a decorator that enters a class among the faults."""

        def enter(function: Any) -> Any:
            self.faults.append(Fault(function, kind, source, says, shown, dtype))
            return function

        return enter

    def args(self, rows: int, columns: int, dtype: torch.dtype, seed: int = 0, scale: float = 1.0) -> tuple[Any, ...]:
        """Return arguments of about that size; ``scale`` multiplies the first."""
        drawn = self.draw(Draw(rows, columns, torch.Generator().manual_seed(seed)))
        scaled = (drawn[0] * scale if scale != 1 else drawn[0], *drawn[1:])
        return tuple(each.to(dtype) if is_floating(each) else each for each in scaled)


def is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
