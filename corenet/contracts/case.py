"""On which arguments and inputs a component is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One way to build a component, and the inputs to verify its gradient on.

    A class whose constructor needs arguments, or whose domain is not all real numbers,
    returns a list of these from ``conformance_cases()``. Inputs are numbers of one shape, or what a function draws:
    several tensors, integers, masks, lengths, rows that sum to 1.

    Args:
        arguments: keyword arguments of the constructor, for an optimizer without its parameters.
        shape: of the input (and of the target of a loss).
        domain: the interval that input is drawn from; one that contains (−2, 2) stands for all numbers.
        target_domain: the interval that a loss's target is drawn from; ``domain`` if None.
        kinks: inputs at which there is no derivative; none is drawn near them.
        classes: the number of classes of a loss whose targets are class indices, one for each
            sample: the target's shape is the input's without dimension 1.
        args: positional arguments of the constructor.
        inputs: draws the inputs by the generator that it is given, in the place of ``shape`` and ``domain``: a tensor,
            or a tuple of several. Where all have one first dimension, other numbers of rows are tried too.
        targets: likewise draws the target of a loss.
        expected_failures: by check id, the reason why this case fails it.

    >>> Case({"in_features": 3, "out_features": 2}, shape=(4, 3)).domain
    (-2.0, 2.0)
    >>> Case(shape=(4, 10, 8), classes=10).target_shape
    (4, 8)
    >>> import torch
    >>> indices = Case(args=(7, 2), inputs=lambda generator: torch.randint(7, (4, 3), generator=generator))
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (4, 3)
    domain: tuple[float, float] = (-2.0, 2.0)
    target_domain: tuple[float, float] | None = None
    kinks: tuple[float, ...] = ()
    classes: int | None = None
    args: tuple[Any, ...] = ()
    inputs: Callable[[Any], Any] | None = None
    targets: Callable[[Any], Any] | None = None
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def target_shape(self) -> tuple[int, ...]:
        """The shape of a loss's target."""
        return self.shape if self.classes is None else self.shape[:1] + self.shape[2:]
