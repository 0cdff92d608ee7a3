"""One evaluation of a loss: its value and its gradients."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace

from torch import Tensor

from corenet.contracts.loss import REDUCTIONS, Loss
from corenet.contracts.several import Tensors, each_of
from corenet.errors import ConfigError
from corenet.testing.support.compare import differences
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import tensor_from


@dataclass(frozen=True)
class Evaluation:
    """The value of a loss for one input and target, the gradient of each input, and that of each parameter by name."""

    value: Tensor
    gradients: tuple[Tensor, ...]
    parameters: dict[str, Tensor] = field(default_factory=dict)

    def differs(self, expected: Evaluation, rtol: float = 1e-9) -> str:
        """Return where this differs from ``expected``; an empty string if it agrees."""
        return differences(self.named(), expected.named(), rtol)

    def named(self) -> dict[str, Tensor]:
        """Return all of it by the names that messages use."""
        names = ["the gradient"] if len(self.gradients) == 1 else [f"gradient {n}" for n in range(len(self.gradients))]
        parameters = {f"the gradient of {name}": each for name, each in self.parameters.items()}
        return {"the value": self.value, **dict(zip(names, self.gradients, strict=True)), **parameters}


def evaluate(loss: Loss, input: Tensors, target: Tensors) -> Evaluation:
    """Return copies of the value and the gradients of ``loss``, those of its parameters from zero on."""
    loss.zero_grad()
    with seeded(0):
        value = tensor_from("forward", loss(input, target)).clone()
        gradients = tuple(tensor_from("backward", each).clone() for each in each_of(loss.backward()))
    return Evaluation(value, gradients, {name: each.grad.clone() for name, each in loss.named_parameters()})


def evaluate_fresh(trial: Trial, input: Tensors, target: Tensors) -> Evaluation:
    """Return the value and the gradients of a fresh loss."""
    return evaluate(trial.build(), input, target)


def each_reduction(trial: Trial) -> list[Trial]:
    """Return the trial with each reduction that its loss has, or the trial alone if it has none.

    >>> import corenet as cn
    >>> [each.case.arguments for each in each_reduction(Trial(cn.MSELoss, cn.Case()))]
    [{}, {'reduction': 'sum'}, {'reduction': 'none'}]
    """
    return [each for name in REDUCTIONS if (each := reduced(trial, name))] or [trial]


def reduced(trial: Trial, reduction: str) -> Trial | None:
    """Return the trial with another ``reduction``, or None if its loss does not have that one."""
    parameter = inspect.signature(trial.factory).parameters.get("reduction")
    if parameter is None:
        return None
    if trial.case.arguments.get("reduction", parameter.default) == reduction:
        return trial  # whose gradients are computed once, and count in the report's error
    other = replace(trial, case=replace(trial.case, arguments={**trial.case.arguments, "reduction": reduction}))
    try:
        other.build()
    except (ConfigError, ValueError):
        return None
    return other


def weighs_samples(trial: Trial) -> bool:
    """Tell whether an argument of the case is a tensor with a weight for each sample of the batch."""
    shape = trial.case.shape
    tensors = [value for value in trial.case.arguments.values() if isinstance(value, Tensor) and value.dim()]
    return any(len(each) == shape[0] > 1 and each.shape != shape[len(shape) - each.dim() :] for each in tensors) or any(
        tuple(each.shape) == shape for each in tensors
    )


def ignored_class(trial: Trial) -> int | None:
    """Return the ``ignore_index`` of a trial's loss, None if it has none.

    >>> import corenet as cn
    >>> ignored_class(Trial(lambda ignore_index=-100: None, cn.Case(classes=3)))
    -100
    """
    parameter = inspect.signature(trial.factory).parameters.get("ignore_index")
    if parameter is None or trial.case.classes is None:
        return None
    found = trial.case.arguments.get("ignore_index", parameter.default)
    return found if isinstance(found, int) else None
