"""On which arguments and inputs a component is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One way to build a component, and the inputs to verify its gradient on.

    A class whose constructor needs arguments, or whose domain is not all real numbers,
    returns a list of these from ``conformance_cases()``.

    Args:
        arguments: keyword arguments of the constructor, for an optimizer without its parameters.
        shape: of the input (and of the target of a loss).
        domain: the interval that input is drawn from.
        target_domain: the interval that a loss's target is drawn from; ``domain`` if None.
        kinks: inputs at which there is no derivative; none is drawn near them.
        classes: the number of classes of a loss whose targets are class indices, one for each
            sample: the target's shape is the input's without dimension 1.

    >>> Case({"in_features": 3, "out_features": 2}, shape=(4, 3)).domain
    (-2.0, 2.0)
    >>> Case(shape=(4, 10, 8), classes=10).target_shape
    (4, 8)
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (4, 3)
    domain: tuple[float, float] = (-2.0, 2.0)
    target_domain: tuple[float, float] | None = None
    kinks: tuple[float, ...] = ()
    classes: int | None = None

    @property
    def target_shape(self) -> tuple[int, ...]:
        """The shape of a loss's target."""
        return self.shape if self.classes is None else self.shape[:1] + self.shape[2:]
