"""That an optimizer's step reaches every element and its state, and follows the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
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
    unwritten = _whatever_the_arguments(_unwritten, trial, unwritten)
    if unwritten:
        name = min(unwritten)
        raise Violation(
            f"after {STEPS} steps state[{name!r}] is all zeros, as it was at the start, whatever the arguments",
            f"update() writes to a new tensor: write in place, state[{name!r}].mul_(…).add_(…)",
        )


@OPTIMIZER_STEP_CHECKS.add(since="0.2", after=("runs", "repeats"))
def reads_state(trial: Trial) -> None:
    """Each tensor of the state that follows the gradients has an effect on later steps, with some arguments."""
    unread = _unread(trial)
    if unread is None:
        raise NotApplicable("it keeps no state of the size of a parameter")
    unread = _whatever_the_arguments(_unread, trial, unread)
    if unread:
        name = min(unread)
        raise Violation(
            f"state[{name!r}] follows the gradients, and whatever is in it, {STEPS} further steps are the same",
            f"written and never read: use state[{name!r}] in the step, or do not keep it",
        )


def _whatever_the_arguments(find: Callable[..., set[str] | None], trial: Trial, names: set[str]) -> set[str]:
    """Return those of the names that are found with every other combination of arguments too."""
    values = declared(trial)
    for context in [each for name in values for each in contexts(trial, values, name)]:
        if not names:
            break
        with suppress(Exception):  # a combination that is refused tells nothing
            names = names & (find(trial, **context) or set())
    return names


def _unread(trial: Trial, **settings: object) -> set[str] | None:
    """Return the names of the state that the gradients change and no step reads; None if there is no state to read."""
    begun = trial.optimizer(start(), **settings)
    follow(begun, STEPS)
    saved = begun.state_dict()
    names = {name for state in saved["states"] for name, each in state.items() if _may_be_read(each)}
    if not names:
        return None
    expected = _continued(trial, begun, saved, settings)
    return {
        name
        for name in names
        if all(torch.equal(_continued(trial, begun, other, settings), expected) for other in _others(saved, name))
        and _follows_gradients(trial, name, settings)
    }


def _may_be_read(tensor: Tensor) -> bool:
    """Tell whether a tensor has a number for each of several weights: a count or a norm may be kept to be looked at."""
    return tensor.is_floating_point() and tensor.numel() > 1


def _others(saved: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield what was saved, with one tensor of each state larger, of other signs, zero, or exchanged."""
    for changed in (lambda each: 1.3 * each, torch.neg, torch.zeros_like, lambda each: each.flip(0) + 0.1):
        states = [{**state, name: changed(state[name])} if name in state else state for state in saved["states"]]
        yield {**saved, "states": states}


def _continued(trial: Trial, begun: Optimizer, saved: dict[str, Any], settings: Mapping[str, Any]) -> Tensor:
    """Return the weights after further steps of an optimizer into which ``saved`` is loaded."""
    weights = [Parameter(each.clone()) for each in begun.parameters]
    optimizer = trial.optimizer(weights, **settings)
    optimizer.load_state_dict(saved)
    with seeded(trial.seed):
        return torch.stack(follow(optimizer, STEPS, first=STEPS))


def _follows_gradients(trial: Trial, name: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether a state depends on gradients alone: a mean of the weights themselves is kept for users."""
    kept = []
    for seed in (0, 1):  # other weights, the same gradients
        optimizer = trial.optimizer(start(seed), **settings)
        follow(optimizer, STEPS)
        kept.append(torch.cat([state[name].flatten() for state in optimizer.state_dict()["states"] if name in state]))
    return torch.allclose(kept[0], kept[1], rtol=1e-9, atol=1e-12)


def _unwritten(trial: Trial, **settings: object) -> set[str] | None:
    """Return the names of what is all zeros in the state before the steps and after; None if there is no state."""
    optimizer = trial.optimizer(start(), **settings)
    before = optimizer.state_dict()["states"]
    with seeded(trial.seed):
        follow(optimizer, STEPS)
    after = optimizer.state_dict()["states"]
    zeros = [{name for name, each in state.items() if not each.any()} for state in (*before, *after)]
    return set.intersection(*zeros) if any(before) else None
