"""The contract of a metric: a number that tells how good outputs are, gathered piece by piece."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from torch import Tensor

from corenet.contracts.guarded_metric import guarded

Reads = Literal["values", "classes", "scores", "losses"]


class Metric:
    """A number, or several, that tells how good a model's outputs are.

    A subclass writes three methods::

        reset()                    forget everything
        update(output, target)     take in some more points, the first dimension of both
        compute()                  the number, of all points since the reset

    so that data may come in pieces: however it is cut, the number is the same. One that reads classes may write
    ``expect(classes)`` too, which tells it how many there are. ``reads`` says what a training gives to
    ``update``, which must not change it:

    - ``"values"``: the model's output, and the targets;
    - ``"classes"``: the class that each output is read as, and the class of each target; ``bool`` if there are two
      classes, else indices;
    - ``"scores"``: how likely each class is, by the loss's ``probabilities`` if it has any, else the output; and the
      class of each target;
    - ``"losses"``: the loss of these points, a single number, and their targets.

    ``compute`` returns a number or a tensor of one, and no truth value. ``larger_is_better`` tells callbacks which way
    is up; that ``is_number`` is false, that they cannot watch it, for ``compute`` returns a tensor of several numbers.

    >>> import torch
    >>> class LargestError(Metric):
    ...     def reset(self):
    ...         self.largest = 0.0
    ...     def update(self, output, target):
    ...         self.largest = max(self.largest, (output - target).abs().max().item())
    ...     def compute(self):
    ...         return self.largest
    >>> LargestError()(torch.tensor([1.0, 2.0]), torch.tensor([1.5, 2.0]))
    0.5
    """

    reads: ClassVar[Reads] = "values"
    larger_is_better: ClassVar[bool] = False
    is_number: ClassVar[bool] = True

    def reset(self) -> None:
        """Forget all points."""
        raise NotImplementedError(f"{type(self).__name__} must define reset(self)")

    def expect(self, classes: int) -> None:
        """Hear how many classes there are, before points are given; for a metric that the points do not tell it."""

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in some points."""
        raise NotImplementedError(f"{type(self).__name__} must define update(self, output, target)")

    def compute(self) -> Any:
        """Return the number of all points since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must define compute(self)")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "update" in vars(cls):
            setattr(cls, "update", guarded(vars(cls)["update"]))  # noqa: B010 - mypy forbids the other way

    def __call__(self, output: Tensor, target: Tensor) -> Any:
        """Return the number of these points alone."""
        self.reset()
        self.update(output, target)
        return self.compute()
