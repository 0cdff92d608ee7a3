"""The contract of a schedule: by how much the learning rate is multiplied at each step."""

from __future__ import annotations


class Schedule:
    """A pure function ``step -> factor``: the learning rate of a step is ``lr`` times the factor.

    A subclass writes ``__call__``. ``step`` counts the steps done before, so the first is 0. The factor is a finite
    number ≥ 0, and the same for a step whatever was asked before: a training that goes on from a file, or an engine
    that does many steps in one call, asks for the steps in any order.

    >>> class HalvedAt(Schedule):
    ...     def __init__(self, milestone: int):
    ...         self.milestone = milestone
    ...     def __call__(self, step):
    ...         return 0.5 if step >= self.milestone else 1.0
    >>> [HalvedAt(2)(step) for step in range(4)]
    [1.0, 1.0, 0.5, 0.5]
    """

    def __call__(self, step: int) -> float:
        """Return the factor of a step; the first is 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step)")
