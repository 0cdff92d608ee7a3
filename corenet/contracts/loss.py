"""The contract of a loss: a number, and the exact derivative of that number."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

import torch
from torch import Tensor

from corenet.contracts.saved import Saved
from corenet.contracts.several import each_of
from corenet.contracts.tree import Tree, refuse_tensors_of_class
from corenet.errors import (
    BackwardError,
    ConfigError,
    DTypeError,
    RangeError,
    ShapeError,
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

    _saved: Saved | None = None
    _input_shape: tuple[torch.Size, ...] | None = None

    def forward(self, input: Any, target: Any) -> Tensor:
        """Return the loss as a 0-dim tensor (or, unreduced, the values)."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, input, target)")

    def backward(self) -> Any:
        """Return ``∂loss/∂input`` of the last forward."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self)")

    def check(self, input: Any, target: Any) -> None:
        """Raise a :class:`~corenet.CorenetError` if ``forward`` cannot take the two."""

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
        element of a yes-or-no loss, the index of the class where the last dimension has a column for each class.
        :func:`~corenet.error_rate` and :func:`~corenet.accuracy` ask for them.
        """
        if isinstance(output, tuple):
            raise ConfigError(
                f"{self!r} does not say what {len(output)} outputs predict; define predictions(self, output)"
            )
        predicted: Tensor = output
        return predicted

    def __call__(self, input: Any, target: Any) -> Tensor:
        """Check both arguments and run :meth:`forward`.

        Raises:
            DTypeError: ``forward`` returned something else than a tensor.
        """
        self.__dict__["_saved"] = None  # past the checks of Tree.__setattr__, here and below
        self.check(input, target)
        return self.evaluate(input, target)

    def evaluate(self, input: Any, target: Any) -> Tensor:
        """Run :meth:`forward` on arguments that were checked already."""
        shapes = (input.shape,) if type(input) is Tensor else tuple([each.shape for each in each_of(input)])
        self.__dict__["_saved"] = None
        self.__dict__["_input_shape"] = shapes
        value = self.forward(input, target)
        if not isinstance(value, Tensor):
            raise _no_tensor("forward", self, value)
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
        if "backward" in vars(cls):
            setattr(cls, "backward", _guarded(vars(cls)["backward"]))  # noqa: B010 - mypy forbids the other way
        refuse_tensors_of_class(cls)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _guarded(backward: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return ``backward`` with its result checked: if its shape is not the input's, input and target were broadcast."""

    @wraps(backward)
    def checked(self: Loss) -> Any:
        gradient, shapes = backward(self), self._input_shape
        if type(gradient) is not Tensor or (shapes is not None and (gradient.shape,) != shapes):
            _refuse_misfits(self, gradient, shapes)
        return gradient

    return checked


def _refuse_misfits(loss: Loss, found: Any, shapes: tuple[torch.Size, ...] | None) -> None:
    """Raise unless ``found`` is a gradient for each output of the model, of its shape."""
    gradients = each_of(found)
    for gradient in gradients:
        if not isinstance(gradient, Tensor):
            raise _no_tensor("backward", loss, gradient)
    if shapes is not None and len(gradients) != len(shapes):
        expected = f"the model gave {len(shapes)}; return a tuple with a gradient for each"
        raise BackwardError(f"{loss!r}: backward returns {len(gradients)} gradients, and {expected}")
    for place, (gradient, shape) in enumerate(zip(gradients, shapes or (), strict=False)):
        if gradient.shape != shape:
            which = "the gradient" if len(gradients) == 1 else f"the gradient of output {place}"
            raise ShapeError(f"{loss!r}: {which}", gradient.shape, f"expected the input's shape {tuple(shape)}")


def _no_tensor(method: str, loss: Loss, found: object) -> DTypeError:
    hint = "; leave out .item()" if isinstance(found, float) else ""
    return DTypeError(f"{loss!r}: {method} returns {type(found).__name__}, not a tensor{hint}")


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
