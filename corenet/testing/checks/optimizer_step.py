"""That an optimizer's step reaches every element and its state, and follows the learning rate."""

from __future__ import annotations

import math
from contextlib import suppress

import torch

from corenet.contracts.parameter import Parameter
from corenet.testing.checks.check import Checks
from corenet.testing.checks.hyperparameters import contexts, declared
from corenet.testing.checks.optimizer_trajectory import optimizer_with
from corenet.testing.support.trajectory import follow, start, weights_of
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

OPTIMIZER_STEP_CHECKS = Checks("optimizer")
SHAPES = ((7, 5), (130,), (33, 3), ())
STEPS = 12
LR = 1e-4
POWERS = (0.6, 1.6)


@OPTIMIZER_STEP_CHECKS.add(since="0.2")
def every_element(trial: Trial) -> None:
    """Every element of every parameter is updated, also of those with 33, 35 and 130 rows."""
    generator = torch.Generator().manual_seed(trial.seed)
    weights = [Parameter(torch.rand(shape, generator=generator, dtype=torch.float64) + 0.5) for shape in SHAPES]
    optimizer = optimizer_with(trial, weights, 0.01)
    before = weights_of(optimizer)
    with seeded(trial.seed):
        trajectory = follow(optimizer, STEPS)  # all of it: steps of one length may lead back to the start
    moved = (torch.stack(trajectory) != before).any(0)
    for part in moved.split([each.numel() for each in weights]):
        if not part.all():
            shape = next(each.shape for each in weights if each.numel() == part.numel())
            where = [int(each) for each in torch.unravel_index((~part).int().argmax(), shape)] if shape else []
            raise Violation(
                f"in {STEPS} steps {int((~part).sum())} of {part.numel()} elements of a parameter of "
                f"{tuple(shape)} never change, the first at {where}",
                "update() skips them: look for a block whose rest is lost, a slice, a condition on the gradient",
            )


@OPTIMIZER_STEP_CHECKS.add(since="0.2")
def follows_lr(trial: Trial) -> None:
    """A step with twice the learning rate is about twice as long: as lr, not as its square or root."""
    lengths = []
    for lr in (LR, 2 * LR):
        weights = start()
        optimizer = optimizer_with(trial, weights, lr)
        before = weights_of(optimizer)
        with seeded(trial.seed):
            lengths.append((follow(optimizer, 3)[-1] - before).norm().item())
    short, long = lengths
    if not 0 < short < math.inf or not 0 < long < math.inf:
        raise NotApplicable(f"with lr {LR:g} no weight changes")
    power = math.log2(long / short)
    if not POWERS[0] < power < POWERS[1]:
        raise Violation(
            f"with lr {2 * LR:g} three steps are {long / short:.3g} times as long as with lr {LR:g}, not twice",
            f"the step goes as lr to the power {power:.2g}: use self.current_lr once, as a factor of the whole step",
        )


@OPTIMIZER_STEP_CHECKS.add(since="0.2")
def writes_state(trial: Trial) -> None:
    """Each tensor of the state that starts as zeros is written by the steps, at least with other arguments."""
    unwritten = _unwritten(trial)
    if unwritten is None:
        raise NotApplicable("it keeps no state")
    values = declared(trial)
    for context in [each for name in values for each in contexts(trial, values, name)]:
        if not unwritten:
            return
        with suppress(Exception):  # a combination that is refused tells nothing
            unwritten &= _unwritten(trial, **context) or set()
    if unwritten:
        name = min(unwritten)
        raise Violation(
            f"after {STEPS} steps state[{name!r}] is all zeros, as it was at the start, whatever the arguments",
            f"update() writes to a new tensor: write in place, state[{name!r}].mul_(…).add_(…)",
        )


def _unwritten(trial: Trial, **settings: object) -> set[str] | None:
    """Return the names of what is all zeros in the state before the steps and after; None if there is no state."""
    optimizer = trial.optimizer(start(), **settings)
    before = optimizer.state_dict()["states"]
    with seeded(trial.seed):
        follow(optimizer, STEPS)
    after = optimizer.state_dict()["states"]
    zeros = [{name for name, each in state.items() if not each.any()} for state in (*before, *after)]
    return set.intersection(*zeros) if any(before) else None
