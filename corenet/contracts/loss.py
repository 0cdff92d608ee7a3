"""The contract of a loss: a number, and the exact derivative of that number."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from corenet.contracts import value_checks
from corenet.contracts.guarded_init import guard_constructor
from corenet.contracts.guarded_loss import TAKES, explained, guarded, no_tensor, of_outputs, refuse_another_forward
from corenet.contracts.saved import Saved
from corenet.contracts.several import each_of
from corenet.contracts.tree import Tree, refuse_tensors_of_class
from corenet.contracts.unusable import refuse_unusable
from corenet.errors import (
    BackwardError,
    ConfigError,
    CorenetError,
    RangeError,
    did_you_mean,
)

Reduction = Literal["mean", "sum", "none"]
REDUCTIONS = ("mean", "sum", "none")


class Loss(Tree["Loss"]):
    """A function of a prediction and a target that knows its own derivative.

    A subclass writes two methods::

        forward(input, target) -> number   and saves what its derivative needs
        backward() -> grad_input           in the shape of input

    ``backward`` is exactly the gradient of the number that ``forward`` returned.
    That number is a plain tensor without a history: where PyTorch has
    ``loss(...).backward()``, here it is ``loss(...)`` and then ``loss.backward()``.
    A loss may be evaluated again before its backward; the new values replace the old.
    The several outputs of a model are one tuple, ``input``, and several targets another; ``backward`` then returns a
    tuple. Parameters, buffers and losses that it holds are found as those of a :class:`Module` are: ``backward`` adds
    to the ``.grad`` of a parameter, and an optimizer of ``[*model.parameters(), *loss.parameters()]`` trains both.

    >>> import corenet as cn
    >>> loss = cn.MSELoss()
    >>> loss(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
    tensor(5.)
    >>> loss.backward()
    tensor([1., 3.])
    """

    class_dim: int | None = None  # the dimension of an output that has a column for each class, if it has one
    ignore_index: int | None = None  # the class index of targets that count for nothing, if there is one
    checks_points_alone = False  # whether many batches, one behind the other, may be checked as if they were one

    _saved: Saved | None = None
    _input_shape: tuple[torch.Size, ...] | None = None
    _checks_values = False

    def forward(self, input: Any, target: Any) -> Tensor:
        """Return the loss as a 0-dim tensor (or, unreduced, the values)."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, input, target)")

    def backward(self) -> Any:
        """Return ``∂loss/∂input`` of the last forward."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self)")

    def check(self, input: Any, target: Any) -> None:
        """Raise a :class:`~corenet.CorenetError` if ``forward`` cannot take the two."""

    def check_values(self, input: Any, target: Any) -> None:
        """Raise a :class:`~corenet.CorenetError` if ``forward`` cannot take the numbers of the two.

        It is asked after ``check``, and apart from it: engines that record a loss inside another ask it outside of
        what they record.
        """

    def weighs_points_alike(self, target: Any) -> bool:
        """Tell whether each point of ``target`` counts for as much as any other in a mean.

        If not, such as for classes of different weights, the mean over a batch is not that over its pieces, and
        ``fit`` refuses a ``micro_batch_size``.
        """
        return True

    # What the output of a model trained by it means; a loss on anything but values says so.

    def probabilities(self, output: Any) -> Tensor:
        """Return the probabilities that a model's output stands for.

        Raises:
            ConfigError: the loss takes outputs for values, and has no probabilities.
        """
        raise ConfigError(
            f"{self!r} takes outputs for values, so they are no probabilities; define probabilities(self, output)"
        )

    def predictions(self, output: Any) -> Tensor:
        """Return what a model's output predicts: values, or classes.

        Values are the output itself, which this base returns. Classes are those of the targets: 0 or 1 for each
        element of a yes-or-no loss, the index of the class where the output has a column for each class. Those are
        in its last dimension, unless the loss has a ``class_dim``; targets of a loss's ``ignore_index`` count for
        nothing. :func:`~corenet.error_rate` and :func:`~corenet.accuracy` ask for them.
        """
        if isinstance(output, tuple):
            raise ConfigError(
                f"{self!r} does not say what {len(output)} outputs predict; define predictions(self, output)"
            )
        predicted: Tensor = output
        return predicted

    def __call__(self, input: Any, target: Any, *others: Any) -> Tensor:
        """Check both arguments and run :meth:`forward`.

        Raises:
            ConfigError: there are others, as PyTorch's losses of several inputs have them.
            DTypeError: ``forward`` returned something else than a tensor.
        """
        if others:
            raise ConfigError(f"{self!r} {TAKES}; got {2 + len(others)} arguments")
        self.__dict__["_saved"] = None  # past the checks of Tree.__setattr__, here and below
        try:
            self.check(input, target)
            if self._checks_values:
                value_checks.ask(self, (input, target))
        except Exception as error:
            if not isinstance(error, CorenetError):
                refuse_unusable(self, (*each_of(input), *each_of(target)))
            raise
        value = self.evaluate(input, target)
        if not torch.compiler.is_compiling():
            value.backward = explained  # type: ignore[method-assign]  # what code for PyTorch would call
        return value

    def evaluate(self, input: Any, target: Any) -> Tensor:
        """Run :meth:`forward` on arguments that were checked already."""
        shapes = (input.shape,) if type(input) is Tensor else tuple([each.shape for each in each_of(input)])
        self.__dict__["_saved"] = None
        self.__dict__["_input_shape"] = shapes
        try:
            value = self.forward(input, target)
        except Exception as error:
            if isinstance(error, TypeError):
                refuse_another_forward(self)
            if not isinstance(error, CorenetError):
                refuse_unusable(self, (*each_of(input), *each_of(target)))
            raise
        if not isinstance(value, Tensor):
            raise no_tensor("forward", self, value)
        return value

    def save(self, *values: Any) -> None:
        """Keep ``values`` for ``backward``, in the place of earlier ones."""
        self.__dict__["_saved"] = Saved(values)

    def saved(self) -> tuple[Tensor, ...]:
        """Return what ``forward`` saved, once."""
        if self._saved is None:
            raise BackwardError(f"{self!r} has nothing saved for backward; evaluate the loss first, once for each")
        saved = self._saved
        self.__dict__["_saved"] = None
        return saved.unchanged(self)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        guard_constructor(cls)
        cls._checks_values = cls.check_values is not Loss.check_values
        if "backward" in vars(cls):
            setattr(cls, "backward", guarded(vars(cls)["backward"]))  # noqa: B010 - mypy forbids the other way
        for name in ("probabilities", "predictions"):
            if name in vars(cls):
                setattr(cls, name, of_outputs(vars(cls)[name]))
        refuse_tensors_of_class(cls)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def check_reduction(reduction: object) -> None:
    """Raise :class:`~corenet.ConfigError` unless ``reduction`` is one of the three."""
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise ConfigError(
            f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}{did_you_mean(str(reduction), REDUCTIONS)}",
            name="reduction",
            value=reduction,
        )


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return a tensor in the precision that a loss computes and reduces in: float32 for one in half precision."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def averages(loss: Loss) -> bool:
    """Tell whether a loss is a mean over its batch; one without a ``reduction`` counts as a mean.

    >>> import corenet as cn
    >>> averages(cn.MSELoss()), averages(cn.MSELoss("sum"))
    (True, False)
    """
    return getattr(loss, "reduction", "mean") == "mean"


def check_unit_interval(owner: object, name: str, values: Tensor) -> None:
    """Raise :class:`~corenet.RangeError` unless every value lies in [0, 1]; NaN does not.

    >>> check_unit_interval("BCELoss()", "input", torch.tensor([0.5, 1.5]))
    Traceback (most recent call last):
    corenet.errors.RangeError: BCELoss() takes input in [0, 1], got 1.5
    """
    # Written so that NaN, for which every comparison is false, is refused.
    if values.numel() == 0:
        return
    low, high = values.aminmax()
    if not (low >= 0 and high <= 1):
        wrong = values[~((values >= 0) & (values <= 1))][0].item()
        raise RangeError(f"{owner!s} takes {name} in [0, 1], got {wrong:g}")
