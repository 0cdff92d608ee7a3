"""That a module which drops elements at random keeps their mean."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.testing.checks.check import Checks
from corenet.testing.support.forward_backward import is_random
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_MEAN_CHECKS = Checks("module")
FORWARDS = 300
EVENTS = 30
SIGMAS = 7


@MODULE_MEAN_CHECKS.add(since="0.2", after=("runs", "evaluation"))
def mean_of_training(trial: Trial) -> None:
    """The mean of the training output is the evaluation output, if it drops elements at random as Dropout does."""
    if not is_random(trial):
        raise NotApplicable("it draws no random numbers")
    module = trial.build()
    inputs = [torch.ones_like(each) if each.is_floating_point() else each for each in trial.inputs()]
    with seeded(trial.seed):
        evaluated = module.eval()(*inputs)
        if isinstance(evaluated, tuple):
            raise NotApplicable("it has several outputs")
        drawn = [_in_training(module, inputs) for _ in range(FORWARDS)]
    masks = all(_is_mask(each) for each in drawn) and any((each == 0).any() for each in drawn)
    if not (masks and _is_constant(evaluated)):
        raise NotApplicable("it does not drop elements of its input")
    means = torch.stack([each.mean() for each in drawn])
    if (means != means.mode().values).sum() < EVENTS:
        raise NotApplicable(f"it drops something in fewer than {EVENTS} of {FORWARDS} forwards")
    expected, mean = evaluated.mean().item(), means.mean().item()
    error = means.std().item() / FORWARDS**0.5
    if abs(mean - expected) > SIGMAS * error + 1e-12:
        raise Violation(
            f"for an input of ones the mean output of {FORWARDS} forwards in training is {mean:.3g} ± {error:.1g}; "
            f"in evaluation it is {expected:.3g}",
            "divide what is kept by the probability of keeping it, 1 − p",
        )


def _in_training(module: Module, inputs: Sequence[Tensor]) -> Tensor:
    output = module.train()(*inputs).clone()
    module.forget()
    return output


def _is_constant(output: Tensor) -> bool:
    return output.numel() > 0 and bool((output == output.reshape(-1)[0]).all())


def _is_mask(output: Tensor) -> bool:
    """Tell whether all elements that are not 0 are the same."""
    kept = output[output != 0]
    return not kept.numel() or _is_constant(kept)
