"""What the grader knows of a layer: its right code in both styles, what to try it on, and what is often got wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module

Style = Literal["module", "numpy"]
STYLES: tuple[Style, ...] = ("module", "numpy")
Kind = Literal["ordinary", "large", "evaluation"]
Arguments = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """Where a layer is tried: the arguments of its NumPy forward in order, and an upstream gradient.

    At a point of the kind ``"large"`` the inputs are as large as makes a careless formula overflow; at one of the
    kind ``"evaluation"`` the layer does not train, and has no backward.
    """

    arguments: Arguments
    upstream: np.ndarray
    kind: Kind = "ordinary"
    seed: int = 0


@dataclass(frozen=True)
class Worked:
    """A point with what is right there: the output, what backward needs, and the gradient of each argument."""

    point: Point
    output: np.ndarray
    cache: Any
    gradients: Mapping[str, np.ndarray]

    @property
    def upstream(self) -> np.ndarray:
        """The upstream gradient."""
        return self.point.upstream

    def __getitem__(self, argument: str) -> Any:
        return self.point.arguments[argument]


# A misconception by its name, with what it comes to at a point.
Mistakes = Sequence[tuple[str, Callable[[Worked], Any]]]


@dataclass(frozen=True)
class Textbook:
    """A layer as a textbook has it.

    Args:
        name: what assignments call it.
        formula: its forward in one line.
        module: the right class, of the module style.
        forward, backward: the right functions, of the NumPy style.
        draw: returns the arguments of ``forward`` for a number of rows.
        construct: returns, of those arguments, the ones of the constructor of ``module``.
        inputs: the arguments that the module is called with; ``parameters``: those that it keeps.
        derived: the arguments that have a gradient, in order.
        rows: how many rows it is tried with.
        large: by how much inputs are multiplied where a careless formula overflows; 0 where none does.
        settle: returns, of a random layer, the point with what ``forward`` drew in it, as its output shows.
        other: arguments of one point more, such as another ``eps``.
        evaluation: those of a point where the layer does not train; None where that makes no difference.
        mistakes: by the name of a promise, what is often got wrong.
    """

    name: str
    formula: str
    module: type[Module] | type[Loss]
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    draw: Callable[[np.random.Generator, int], Arguments]
    construct: Callable[[Arguments], tuple[Any, ...]]
    inputs: tuple[str, ...]
    derived: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    rows: tuple[int, ...] = (1, 5, 33)
    large: float = 0.0
    settle: Callable[[Point, np.ndarray], Worked] | None = None
    other: Arguments = field(default_factory=dict)
    evaluation: Arguments | None = None
    mistakes: Mapping[str, Mistakes] = field(default_factory=dict)

    @property
    def is_loss(self) -> bool:
        """Whether it is a loss, of which the module style has no upstream gradient."""
        return issubclass(self.module, Loss)

    @property
    def is_random(self) -> bool:
        """Whether forward draws, so that what is right depends on what it drew."""
        return self.settle is not None

    def work(self, point: Point, output: np.ndarray | None = None) -> Worked:
        """Return what is right at a point; of a random layer, for what a forward drew that came to ``output``."""
        if self.settle is not None and output is not None:
            return self.settle(point, output)
        right, cache = self.forward(*fresh(point).values())
        gradients = self.backward(point.upstream, cache)
        each = gradients if isinstance(gradients, tuple) else (gradients,)
        return Worked(point, np.asarray(right), cache, dict(zip(self.derived, map(np.asarray, each), strict=True)))


def fresh(point: Point) -> Arguments:
    """Return copies of the arguments of a point, generators at their start."""
    return {
        name: value.copy()
        if isinstance(value, np.ndarray)
        else np.random.default_rng(point.seed)
        if isinstance(value, np.random.Generator)
        else value
        for name, value in point.arguments.items()
    }
