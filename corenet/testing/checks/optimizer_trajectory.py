"""What every optimizer promises of its trajectory."""

from __future__ import annotations

from itertools import islice
from typing import Any

import torch

from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter
from corenet.testing.checks.check import Checks
from corenet.testing.checks.hyperparameters import contexts, declared, others
from corenet.testing.support.compare import difference
from corenet.testing.support.trajectory import (
    Objective,
    descend,
    follow,
    gradients_at,
    quadratic,
    rosenbrock,
    set_gradients,
    start,
    weights_of,
)
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

OPTIMIZER_TRAJECTORY_CHECKS = Checks("optimizer")
STEPS = 12
SMALL_LR = 1e-6


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1", after=())
def runs(trial: Trial) -> None:
    """It can be built, and makes a step."""
    follow(trial.optimizer(start()), 1)


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def quadratic_descent(trial: Trial) -> None:
    """It decreases a quadratic in 50 steps at lr 0.01."""
    _must_decrease(trial, quadratic, "½ Σ aᵢ wᵢ²", start(), steps=50, lr=0.01)


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def rosenbrock_descent(trial: Trial) -> None:
    """It decreases Rosenbrock's function in 100 steps at lr 0.0001."""
    weights = [Parameter(torch.tensor([[-1.2, 1.0], [0.5, 2.0]], dtype=torch.float64))]
    _must_decrease(trial, rosenbrock, "Rosenbrock's function", weights, steps=100, lr=1e-4)


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def descent_direction(trial: Trial) -> None:
    """At a small lr, 1e-6, the first steps decrease a quadratic."""
    _must_decrease(trial, quadratic, "½ Σ aᵢ wᵢ²", start(), steps=3, lr=SMALL_LR)


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def maximize(trial: Trial) -> None:
    """With maximize=True, if it has that, the first steps increase a quadratic."""
    if "maximize" not in declared(trial):
        raise NotApplicable("it has no maximize")
    before, after = descend(optimizer_with(trial, start(), SMALL_LR, maximize=True), quadratic, 3)
    if not after > before:
        raise Violation(f"with maximize=True the value of ½ Σ aᵢ wᵢ² goes from {before:.9g} to {after:.9g}, not up")


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def lr_zero(trial: Trial) -> None:
    """A learning rate of 0 changes nothing."""
    optimizer = optimizer_with(trial, start(), 0.0)
    before = weights_of(optimizer)
    if wrong := difference(follow(optimizer, STEPS)[-1], before, 0):
        raise Violation(f"after {STEPS} steps with lr=0 a weight {wrong}", "part of the step is not scaled by lr")


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def lr_assigned(trial: Trial) -> None:
    """Assigning lr has the same effect as constructing with it."""
    assigned, constructed = (optimizer_with(trial, start(), lr) for lr in (0.01, 0.03))
    assigned.lr = 0.03
    if wrong := difference(follow(assigned, STEPS)[-1], follow(constructed, STEPS)[-1]):
        raise Violation(
            f"with lr=0.03 assigned a weight {wrong}, as with lr=0.03 in the constructor",
            "the constructor keeps a copy of lr: read self.current_lr in update()",
        )


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def dead_argument(trial: Trial) -> None:
    """Each hyper-parameter of the constructor changes the trajectory."""
    follow(trial.optimizer(start()), 1)  # one that cannot be built fails here, with its own error
    values = declared(trial)
    for name, value in values.items():
        tried: dict[str, list[bool | None]] = {}
        for place, other in others(trial, name, value):
            outcomes = tried.setdefault(place, [])
            if True not in outcomes:
                outcomes.append(_has_effect(trial, values, name, other))
        for place, outcomes in tried.items():
            if True not in outcomes and False in outcomes:
                raise Violation(
                    f"{place} changes nothing: in {STEPS} steps from {value!r} or any other value that was tried, "
                    "with other arguments on and off, all weights are the same",
                    "a dead argument: update() never reads it, or its effect is lost after each step",
                )


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def weight_decay(trial: Trial) -> None:
    """With weight_decay, if it has that, weights without a gradient shrink."""
    if "weight_decay" not in declared(trial):
        raise NotApplicable("it has no weight_decay")
    optimizer = optimizer_with(trial, start(), 0.01, weight_decay=0.1)
    before = weights_of(optimizer).norm().item()
    for _ in range(3):
        optimizer.zero_grad()
        optimizer.step()
    after = weights_of(optimizer).norm().item()
    if not after < before:
        raise Violation(
            f"with weight_decay=0.1 and no gradient |w| goes from {before:.9g} to {after:.9g}",
            "the sign of weight_decay is wrong",
        )


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def zero_gradient(trial: Trial) -> None:
    """Where the gradient is zero from the start, weights stay finite."""
    optimizer = optimizer_with(trial, start(), 0.01)
    for step in range(1, 4):
        optimizer.zero_grad()
        optimizer.step()
        if not (weights := weights_of(optimizer)).isfinite().all():
            worst = weights[~weights.isfinite()][0].item()
            raise Violation(f"after {step} steps with a gradient of 0 a weight is {worst}", "0 / 0: add an eps")


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def repeats(trial: Trial) -> None:
    """The same start and the same gradients give the same weights, bit for bit."""
    trajectories = []
    for _ in range(2):
        with seeded(trial.seed):
            trajectories.append(follow(trial.optimizer(start()), STEPS))
    for step, (found, expected) in enumerate(zip(*trajectories, strict=True), 1):
        if wrong := difference(found, expected, 0):
            raise Violation(
                f"in a second run, after step {step}, a weight {wrong}",
                "optimizers share state, or draw from another generator than torch's",
            )


@OPTIMIZER_TRAJECTORY_CHECKS.add(since="0.1")
def together_and_apart(trial: Trial) -> None:
    """Parameters optimized together get the same values as with one optimizer for each."""
    together, apart = ([*start(), *start(1, torch.float32)] for _ in range(2))
    both = trial.optimizer(together)
    each = [trial.optimizer([parameter]) for parameter in apart]
    for step in range(STEPS):
        follow_together(both, each, step)
    for place, (found, expected) in enumerate(zip(together, apart, strict=True)):
        if wrong := difference(found, expected, 1e-12 if found.dtype == torch.float64 else 1e-5):
            raise Violation(
                f"parameter {place} of shape {tuple(found.shape)} optimized together with others {wrong}, "
                "as optimized alone",
                "elementwise = True, but the rule uses more than one element at a time (a norm, a mean, a shape)"
                if both.elementwise
                else "the optimizer keeps something that belongs in the state of each parameter",
            )


def follow_together(both: Optimizer, apart: list[Optimizer], step: int) -> None:
    """Make a step with one optimizer of all parameters and with several of the same ones, by the same gradients."""
    gradients = iter(gradients_at(step, both.parameters))
    follow(both, 1, step)
    for one in apart:
        set_gradients(one.parameters, list(islice(gradients, len(one.parameters))))
        one.step()


def optimizer_with(trial: Trial, parameters: list[Parameter], lr: float, **settings: Any) -> Optimizer:
    """Return a fresh optimizer with another learning rate than the case's."""
    if "lr" in declared(trial):
        return trial.optimizer(parameters, lr=lr, **settings)
    optimizer = trial.optimizer(parameters, **settings)
    optimizer.lr = lr
    return optimizer


def _must_decrease(
    trial: Trial, objective: Objective, name: str, weights: list[Parameter], steps: int, lr: float
) -> None:
    def negated(at: Any) -> Any:
        value, gradients = objective(at)
        return -value, [-gradient for gradient in gradients]

    climbs = bool(trial.case.arguments.get("maximize"))
    optimizer = optimizer_with(trial, weights, lr)
    before, after = descend(optimizer, negated if climbs else objective, steps)
    if climbs:
        before, after = -before, -after
    if not after < before:
        raise Violation(
            f"{name} goes from {before:.9g} to {after:.9g} in {steps} steps at lr {lr:g}: no descent",
            _why(before, after),
        )


def _why(before: float, after: float) -> str:
    if after == before:
        return "no weight changes: write to param in place (param.sub_(...), param -= ...), not to a new tensor"
    return (
        "the sign: param must move against its gradient"
        if after > before
        else "a division by zero, or a step too large"
    )


def _has_effect(trial: Trial, values: dict[str, Any], name: str, other: Any) -> bool | None:
    """Tell whether ``other`` changes the weights in one of the contexts; None if all refuse it."""
    matters = None
    for context in contexts(trial, values, name):
        pair = (context, {**context, name: other})
        try:
            ours, theirs = (follow(trial.optimizer(start(), **each), STEPS) for each in pair)
        except Exception:  # noqa: BLE001, S112 - a combination that is refused tells nothing
            continue
        if not torch.equal(torch.stack(ours), torch.stack(theirs)):
            return True
        matters = False
    return matters
