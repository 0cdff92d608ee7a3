"""The contract of a loss: a number, and the exact derivative of that number."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

import torch
from torch import Tensor

from corenet.contracts.packed import PackedState
from corenet.contracts.saved import Saved
from corenet.errors import (
    BackwardError,
    ConfigError,
    DeviceError,
    DTypeError,
    RangeError,
    ShapeError,
    did_you_mean,
)

Reduction = Literal["mean", "sum", "none"]
REDUCTIONS = ("mean", "sum", "none")


class Loss(PackedState):
    """A function of a prediction and a target that knows its own derivative.

    A subclass writes two methods::

        forward(input, target) -> number   and saves what its derivative needs
        backward() -> grad_input           in the shape of input

    ``backward`` is exactly the gradient of the number that ``forward`` returned.
    That number is a plain tensor without a history: where PyTorch has
    ``loss(...).backward()``, here it is ``loss(...)`` and then ``loss.backward()``.
    A loss may be evaluated again before its backward; the new values replace the old.

    >>> import corenet as cn
    >>> loss = cn.MSELoss()
    >>> loss(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
    tensor(5.)
    >>> loss.backward()
    tensor([1., 3.])
    """

    _saved: Saved | None = None
    _input_shape: torch.Size | None = None

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss as a 0-dim tensor (or, unreduced, the values)."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, input, target)")

    def backward(self) -> Tensor:
        """Return ``∂loss/∂input`` of the last forward."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self)")

    def check(self, input: Tensor, target: Tensor) -> None:
        """Raise a :class:`~corenet.CorenetError` if ``forward`` cannot take the two."""

    # What the output of a model trained by it means; a loss on anything but values says so.

    def probabilities(self, output: Tensor) -> Tensor:
        """Return the probabilities that a model's output stands for.

        Raises:
            ConfigError: the loss takes outputs for values, and has no probabilities.
        """
        raise ConfigError(
            f"{self!r} takes outputs for values, so they are no probabilities; define probabilities(self, output)"
        )

    def predictions(self, output: Tensor) -> Tensor:
        """Return what a model's output predicts: values, or classes.

        Values are the output itself, which this base returns. Classes are those of the targets: 0 or 1 for each
        element of a yes-or-no loss, the index of the class where the last dimension has a column for each class.
        :func:`~corenet.error_rate` and :func:`~corenet.accuracy` ask for them.
        """
        return output

    def __call__(self, input: Tensor, target: Tensor) -> Tensor:
        """Check both arguments and run :meth:`forward`.

        Raises:
            DTypeError: ``forward`` returned something else than a tensor.
        """
        self._saved = None
        self.check(input, target)
        return self.evaluate(input, target)

    def evaluate(self, input: Tensor, target: Tensor) -> Tensor:
        """Run :meth:`forward` on arguments that were checked already."""
        self._saved = None
        self._input_shape = input.shape
        value = self.forward(input, target)
        if not isinstance(value, Tensor):
            raise _no_tensor("forward", self, value)
        return value

    def save(self, *values: Tensor) -> None:
        """Keep ``values`` for ``backward``, in the place of earlier ones."""
        self._saved = Saved(values)

    def saved(self) -> tuple[Tensor, ...]:
        """Return what ``forward`` saved, once."""
        if self._saved is None:
            raise BackwardError(f"{self!r} has nothing saved for backward; evaluate the loss first, once for each")
        saved, self._saved = self._saved, None
        return saved.unchanged(self)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "backward" in vars(cls):
            setattr(cls, "backward", _guarded(vars(cls)["backward"]))  # noqa: B010 - mypy forbids the other way

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _guarded(backward: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
    """Return ``backward`` with its result checked: if its shape is not the input's, input and target were broadcast."""

    @wraps(backward)
    def checked(self: Loss) -> Tensor:
        gradient = backward(self)
        if not isinstance(gradient, Tensor):
            raise _no_tensor("backward", self, gradient)
        if self._input_shape is not None and gradient.shape != self._input_shape:
            expected = f"expected the input's shape {tuple(self._input_shape)}"
            raise ShapeError(f"{self!r}: the gradient", gradient.shape, expected)
        return gradient

    return checked


def _no_tensor(method: str, loss: Loss, found: object) -> DTypeError:
    hint = "; leave out .item()" if isinstance(found, float) else ""
    return DTypeError(f"{loss!r}: {method} returns {type(found).__name__}, not a tensor{hint}")


class ElementwiseLoss(Loss):
    r"""A loss ``L = reduce(ℓ(inputᵢ, targetᵢ))`` made of one value for each element.

    A subclass writes ``elements(input, target)``, the values ``ℓ``, and
    ``derivative(input, target)``, the values ``∂ℓ/∂input``; this class checks that
    the shapes are equal, reduces, and scales the derivative to match. A ``check`` that a
    subclass adds must judge each element alone, since it may be given several batches at once.

    ``reduction`` is ``"mean"`` (over all elements), ``"sum"`` or ``"none"``; unreduced,
    ``backward`` is the gradient of the sum. Half-precision inputs are reduced in
    float32 and give a float32 loss; the gradient has the input's dtype.

    Raises:
        ConfigError: ``reduction`` is none of the three.
        ShapeError: input and target differ in shape (nothing is broadcast), or the
            mean of an empty batch is asked for.
        DTypeError, DeviceError: input and target do not match, or are not floating-point tensors.
    """

    def __init__(self, reduction: Reduction = "mean") -> None:
        if reduction not in REDUCTIONS:
            raise ConfigError(
                f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}"
                f"{did_you_mean(str(reduction), REDUCTIONS)}",
                name="reduction",
                value=reduction,
            )
        self.reduction = reduction

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        """Return ``ℓ(inputᵢ, targetᵢ)`` for each element."""
        raise NotImplementedError(f"{type(self).__name__} must define elements(self, input, target)")

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        """Return ``∂ℓ(inputᵢ, targetᵢ)/∂inputᵢ`` for each element."""
        raise NotImplementedError(f"{type(self).__name__} must define derivative(self, input, target)")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        self.save(input, target)
        elements = self.elements(_at_least_float32(input), _at_least_float32(target))
        if self.reduction == "mean":
            return elements.mean()
        return elements.sum() if self.reduction == "sum" else elements

    def backward(self) -> Tensor:
        input, target = self.saved()
        derivative = self.derivative(_at_least_float32(input), _at_least_float32(target))
        if self.reduction == "mean":
            derivative = derivative / input.numel()
        return derivative.to(input.dtype)

    def check(self, input: Tensor, target: Tensor) -> None:
        for name, tensor in (("input", input), ("target", target)):
            if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
                found = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
                raise DTypeError(f"{self!r} takes floating-point tensors, got {found} as {name}; use {name}.float()")
        if input.requires_grad:
            raise ConfigError(f"{self!r} got input that requires grad; corenet derives by hand: use input.detach()")
        if input.dtype != target.dtype:
            raise DTypeError(f"{self!r} got {input.dtype} input and {target.dtype} target; convert one with .to()")
        if input.device != target.device:
            raise DeviceError(f"{self!r} got input on {input.device} and target on {target.device}")
        if input.shape != target.shape:
            raise ShapeError(f"{self!r}", input.shape, f"expected the target's shape {tuple(target.shape)}")
        if self.reduction == "mean" and input.numel() == 0:
            raise ShapeError(f"{self!r}", input.shape, "the mean of an empty batch is undefined")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.reduction == 'mean' else repr(self.reduction)})"


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


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
