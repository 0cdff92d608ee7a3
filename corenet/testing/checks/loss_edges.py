"""That a loss and its gradient are finite wherever its arguments may be."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from corenet.errors import RangeError
from corenet.testing.checks.check import Checks
from corenet.testing.support.loss_evaluation import evaluate_fresh, ignored_class
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

LOSS_EDGES_CHECKS = Checks("loss")


@LOSS_EDGES_CHECKS.add(since="0.1")
def edges(trial: Trial) -> None:
    """Value and gradient are finite at the edges of the domains, at the kinks, and where the prediction is perfect."""
    if trial.draws:
        raise NotApplicable("its case draws the inputs, and has no domain")
    for where, input, target in _edges(trial):
        try:
            found = evaluate_fresh(trial, input, target)
        except RangeError:  # the loss refuses this value itself
            continue
        for name, tensor in {"value": found.value, "gradient": found.gradients[0]}.items():
            if not tensor.isfinite().all():
                worst = tensor[~tensor.isfinite()][0].item()
                raise Violation(
                    f"the {name} is {worst} for {where}",
                    "a division by zero, a logarithm or a root of zero, or an exp that overflows: clamp it",
                )


def _edges(trial: Trial) -> Iterator[tuple[str, Tensor, Tensor]]:
    case = trial.case
    shape = case.shape
    inputs = {f"an input of {edge:g}": torch.full(shape, edge).double() for edge in (*case.domain, *case.kinks)}
    inputs["an input of both edges"] = _alternating(shape, case.domain)
    if case.classes is not None:
        chosen = {0, case.classes - 1} - {ignored_class(trial)}  # where all are ignored a mean is 0 / 0
        targets = {f"class {each}": torch.full(case.target_shape, each) for each in sorted(chosen)}
    else:
        low, high = case.target_domain or case.domain
        targets = {f"a target of {edge:g}": torch.full(shape, edge).double() for edge in (low, high)}
        if low <= case.domain[0] and case.domain[1] <= high:
            yield "a target equal to the input", trial.input(), trial.input()
    for input_name, input in inputs.items():
        for target_name, target in targets.items():
            yield f"{input_name} and {target_name}", input.clone(), target.clone()


def _alternating(shape: tuple[int, ...], domain: tuple[float, float]) -> Tensor:
    filled = torch.full(shape, domain[0]).double()
    filled.view(-1)[::2] = domain[1]
    return filled
