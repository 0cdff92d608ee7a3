"""Stopping before the write: no step goes on from a number that is infinite or none."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import gradient, is_frozen
from corenet.contracts.several import Tensors, each_of
from corenet.contracts.tree import Tree
from corenet.errors import NonFiniteError, RangeError

TRY = "lower lr, scale the data, or clip gradients by max_grad_norm"
NOT_FINITE = f"the model's output is not finite; {TRY}"


def value_of(loss: Loss, prediction: Tensors, target: Tensors) -> Tensor:
    """Return ``loss(prediction, target)``; say so if it is refused because the model's output is not finite."""
    with blaming_the_output(prediction):
        return loss(prediction, target)


def checked(loss: Loss, prediction: Tensors, target: Tensors) -> None:
    """Let the loss check the two, as :func:`value_of` does."""
    with blaming_the_output(prediction):
        check_both(loss, prediction, target)


def check_both(loss: Loss, prediction: Tensors, target: Tensors) -> None:
    """Let the loss check the two: what they are, and their numbers."""
    loss.check(prediction, target)
    loss.check_values(prediction, target)


class blaming_the_output:  # noqa: N801 - written out, as contextlib's costs each step a hundredth of its time
    """Turn a refusal by the loss into a :class:`NonFiniteError` if the model's output is not finite."""

    def __init__(self, prediction: Tensors) -> None:
        self._prediction = prediction

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, RangeError) and not all(bool(each.isfinite().all()) for each in each_of(self._prediction)):
            raise NonFiniteError(NOT_FINITE) from error


def refuse_non_finite(model: Module, optimizer: Optimizer, value: Tensor) -> None:
    """Raise :class:`~corenet.NonFiniteError` unless the loss and every gradient are finite."""
    if are_finite([value, *optimizer.layout.gradients()]):
        return
    loss = value.mean().item()
    module = _first_non_finite(model)
    if module is not None:
        raise NonFiniteError(
            f"the gradient of {module} is not finite (loss {loss:g}); no weight was written: {TRY}",
            loss=loss,
            module=module,
        )
    if not all(bool(gradient(each).isfinite().all()) for each in optimizer.parameters if not is_frozen(each)):
        raise NonFiniteError(
            f"the gradient of a parameter of the loss is not finite (loss {loss:g}); no weight was written: {TRY}",
            loss=loss,
        )
    if not math.isfinite(loss):
        raise NonFiniteError(f"the loss is {loss:g}; no weight was written: {TRY}", loss=loss)


def are_finite(tensors: Iterable[Tensor]) -> bool:
    """Tell whether the sums of all are finite, at one operation each.

    A sum is not finite if one of its terms is not. A sum of finite terms may overflow too, so who gets
    False looks closer.
    """
    return all(math.isfinite((tensor.sum() if tensor.dim() else tensor).item()) for tensor in tensors)


def refuse_infinite_weights(tree: Tree[Any], epoch: int, round: int | None = None) -> None:
    """Look at the weights once an epoch: a finite gradient times a large rate may overflow in the write itself."""
    for name, parameter in tree.named_parameters():
        if not parameter.isfinite().all():
            raise NonFiniteError(f"{name} is not finite after epoch {epoch}: lower lr", module=name, round=round)


def _first_non_finite(model: Module) -> str | None:
    """Return the first module, in backward order, with a parameter whose gradient is not finite."""
    for path, module in reversed(list(model.named_modules())):
        for name, parameter in module.named_parameters():
            if not gradient(parameter).isfinite().all():
                return f"{name} of [{path}] {module!r}" if path else f"{name} of {module!r}"
    return None
