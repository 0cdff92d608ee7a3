"""What every optimizer promises besides its trajectory: refusals, side effects, state and copies."""

from __future__ import annotations

import math
import pickle
from functools import partial

import torch

from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter
from corenet.errors import ConfigError
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.hyperparameters import declared, with_wrong_number
from corenet.testing.support.built_again import optimizer_built_again
from corenet.testing.support.compare import difference
from corenet.testing.support.copiers import copiers
from corenet.testing.support.no_autograd import no_autograd
from corenet.testing.support.trajectory import follow, gradients_of, start, weights_of
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import Violation, must_refuse

OPTIMIZER_CONTRACT_CHECKS = Checks("optimizer")
STEPS = 5
FLOAT32 = 1e-5
REFUSE = "check it in __init__, and raise cn.ConfigError"


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.1")
def refuses_non_finite(trial: Trial) -> None:
    """A hyper-parameter that is not finite, and a negative lr, are refused with a ConfigError or a ValueError."""
    for name, value in declared(trial).items():
        for wrong in (math.nan, math.inf, *([-1.0] if name == "lr" else [])):
            for place, replaced in with_wrong_number(name, value, wrong):
                call = partial(trial.optimizer, start(), **{name: replaced})
                must_refuse(f"{place}={wrong}", call, ConfigError, REFUSE)
    optimizer = trial.optimizer(start())
    for wrong in (math.nan, math.inf, -1.0):
        must_refuse(f"lr={wrong}, assigned,", partial(setattr, optimizer, "lr", wrong), ConfigError, REFUSE)


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.1")
def gradients_unchanged(trial: Trial) -> None:
    """A step changes no gradient."""
    optimizer = trial.optimizer(start())
    follow(optimizer, 1)
    before = gradients_of(optimizer)
    optimizer.step()
    if wrong := difference(gradients_of(optimizer), before, 0):
        raise Violation(f"after a step a gradient {wrong}", "update() changes grad in place: work on grad.clone()")


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.1")
def parameters_kept(trial: Trial) -> None:
    """Parameters and their gradients remain the same objects, with the same shapes and dtypes."""
    for dtype in (torch.float64, torch.float32):
        parameters = start(dtype=dtype)
        gradients, shapes = [each.grad for each in parameters], [each.shape for each in parameters]
        optimizer = trial.optimizer(parameters)
        follow(optimizer, STEPS)
        for place, each in enumerate(parameters):
            same = optimizer.parameters[place] is each and each.grad is gradients[place]
            if not same or not isinstance(each, Parameter):
                raise Violation(f"after {STEPS} steps parameter {place}, or its gradient, is another object")
            if each.dtype != dtype or each.shape != shapes[place]:
                raise Violation(
                    f"after {STEPS} steps parameter {place} is {each.dtype} {tuple(each.shape)}, "
                    f"not {dtype} {tuple(shapes[place])}"
                )


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.1")
def float32(trial: Trial) -> None:
    """In float32 the weights agree with those in float64, within its precision."""
    double, single = (trial.optimizer(start(dtype=dtype)) for dtype in (torch.float64, torch.float32))
    if wrong := difference(follow(single, STEPS)[-1], follow(double, STEPS)[-1], FLOAT32):
        raise Violation(f"after {STEPS} steps in float32 a weight {wrong} as in float64")


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.1")
def counts_steps(trial: Trial) -> None:
    """``steps`` counts the steps."""
    optimizer = trial.optimizer(start())
    follow(optimizer, STEPS)
    if optimizer.steps != STEPS:
        raise Violation(f"after {STEPS} steps, steps is {optimizer.steps}", "step() counts; update() must not")


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.1")
def save_and_resume(trial: Trial) -> None:
    """Its state, saved and loaded into a new optimizer, continues the run bit for bit."""
    optimizer = trial.optimizer(start())
    follow(optimizer, STEPS)
    state, weights = optimizer.state_dict(), [each.detach().clone() for each in optimizer.parameters]
    uninterrupted = follow(optimizer, STEPS, STEPS)
    resumed = trial.optimizer([Parameter(each) for each in weights])
    try:
        resumed.load_state_dict(pickle.loads(pickle.dumps(state)))  # noqa: S301 - pickled here
    except Exception as error:
        raise Violation(
            f"the state_dict of one cannot be loaded into another: {reason_of(error)}",
            "init_state() must make every tensor that update() writes to the state",
        ) from error
    _must_continue("state_dict() and load_state_dict()", resumed, uninterrupted)


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.2")
def rebuilt(trial: Trial) -> None:
    """Built again from the arguments that it keeps, and filled with its state, it continues the run bit for bit."""
    optimizer = trial.optimizer(start())
    follow(optimizer, STEPS)
    again = optimizer_built_again(optimizer, [Parameter(each) for each in optimizer.parameters])
    _must_continue("building it again from the arguments that it keeps", again, follow(optimizer, STEPS, STEPS))


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.1")
def copies(trial: Trial) -> None:
    """A deep copy and a pickled copy continue the run bit for bit, and leave the original unchanged."""
    for how, duplicate in copiers(trial.optimizer(start())).items():
        optimizer = trial.optimizer(start())
        follow(optimizer, STEPS)
        try:
            other = duplicate(optimizer)
        except Exception as error:
            raise Violation(f"{how} raises {reason_of(error)}") from error
        before = weights_of(optimizer)
        trajectory = follow(other, STEPS, STEPS)
        if difference(weights_of(optimizer), before, 0):
            raise Violation(f"a step of {how} changes the weights of the original")
        _must_continue(how, optimizer, trajectory)


@OPTIMIZER_CONTRACT_CHECKS.add(since="0.1")
def no_borrowed_gradient(trial: Trial) -> None:
    """It never uses torch's autograd."""
    with no_autograd():
        follow(trial.optimizer(start()), STEPS)


def _must_continue(how: str, optimizer: Optimizer, expected: list[torch.Tensor]) -> None:
    for step, (found, right) in enumerate(zip(follow(optimizer, STEPS, STEPS), expected, strict=True), STEPS + 1):
        if wrong := difference(found, right, 0):
            raise Violation(
                f"after {how}, at step {step}, a weight {wrong}",
                "update() keeps state in an attribute: keep it in the state, or read self.steps",
            )
