"""What an optimizer promises of groups of parameters with hyper-parameters of their own."""

from __future__ import annotations

from typing import Any

from corenet.contracts.groups import hyperparameters
from corenet.contracts.optimizer import Optimizer
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.hyperparameters import declared, others
from corenet.testing.checks.optimizer_trajectory import STEPS, follow_together
from corenet.testing.support.compare import difference
from corenet.testing.support.trajectory import start
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

OPTIMIZER_GROUP_CHECKS = Checks("optimizer")
RATES = {"lr": 0.01}, {"lr": 0.03}


@OPTIMIZER_GROUP_CHECKS.add(since="0.2", after=("runs", "together_and_apart"))
def groups_apart(trial: Trial) -> None:
    """In a group with other hyper-parameters each parameter goes as with an optimizer that has these."""
    kind = type(trial.optimizer(start()))
    if "lr" not in hyperparameters(kind):
        raise NotApplicable("its constructor takes no lr")
    try:
        _grouped(trial, RATES[1])
    except Exception as error:
        raise NotApplicable(f"it cannot be built of groups: {reason_of(error)}") from error
    _must_go_apart(trial, RATES[1])
    for name, value in declared(trial).items():
        candidates = (other for _, other in others(trial, name, value)) if name in hyperparameters(kind) else ()
        accepted = next((other for other in candidates if _accepts(trial, {name: other})), None)
        if accepted is not None and name != "lr":
            _must_go_apart(trial, {name: accepted})


def _grouped(trial: Trial, own: dict[str, Any]) -> Optimizer:
    first, *rest = start()
    return trial.optimizer([{"params": [first]}, {"params": rest, **own}])  # type: ignore[list-item]


def _accepts(trial: Trial, own: dict[str, Any]) -> bool:
    """Tell whether an optimizer can be built with these values, and of a group with them."""
    try:
        trial.optimizer(start(), **own)
        _grouped(trial, own)
    except Exception:  # noqa: BLE001 - a combination that is refused tells nothing
        return False
    return True


def _must_go_apart(trial: Trial, own: dict[str, Any]) -> None:
    first, *rest = start()
    together, apart = _grouped(trial, own), [trial.optimizer([first]), trial.optimizer(rest, **own)]
    for step in range(STEPS):
        follow_together(together, apart, step)
    for place, (found, expected) in enumerate(zip(together.parameters, (first, *rest), strict=True)):
        if wrong := difference(found, expected, 1e-12):
            values = ", ".join(f"{name}={value!r}" for name, value in own.items()) if place else "no value of its own"
            raise Violation(
                f"parameter {place}, in a group with {values}, {wrong} as with an optimizer of its own",
                "update() reads what __init__ made of a hyper-parameter: read the hyper-parameter itself, as self.name",
            )
