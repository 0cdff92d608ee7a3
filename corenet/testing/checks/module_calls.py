"""That the instances and the calls of a module are independent of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_gradient import GRADIENTS
from corenet.testing.gradcheck.outputs import run
from corenet.testing.support.drawing import form
from corenet.testing.support.forward_backward import ForwardBackward, drawn_like, forward_backward, result_of
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_CALLS_CHECKS = Checks("module")
SHARED = "they share state through the class, the module of Python or a closure: keep it in the instance, by save()"


@MODULE_CALLS_CHECKS.add(since="0.2", after=GRADIENTS)
def instances(trial: Trial) -> None:
    """Two instances whose calls alternate compute what each computes alone."""
    trials = trial, replace(trial, seed=trial.seed + 1)
    inputs = trial.inputs(), trial.inputs(seed=5)
    alone = [_fresh(each, given) for each, given in zip(trials, inputs, strict=True)]
    for order in ((1, 0), (0, 1)):  # backward as in a chain of both, and in the order of forward
        for place, found in _alternating(trials, inputs, order).items():
            if wrong := found.differs(alone[place]):
                raise Violation(f"of two instances in turn, for the {('first', 'second')[place]} {wrong}", SHARED)


@MODULE_CALLS_CHECKS.add(since="0.2", after=GRADIENTS)
def batch_sizes(trial: Trial) -> None:
    """Calls on other inputs and batch sizes in turn give what a new module gives for each."""
    module = trial.build()
    state = module.state_dict()
    for call, other in enumerate(_sizes(trial), 1):
        inputs = other.inputs(seed=call)
        shape = " and ".join(map(form, inputs))
        try:
            expected = _fresh(trial, inputs)
        except Exception:  # noqa: BLE001, S112 - it refuses this batch size
            continue
        module.load_state_dict(state)  # a running statistic may have moved
        try:
            found = forward_backward(module, inputs)
        except Exception as error:
            raise Violation(
                f"call {call}, on {shape}, raises {reason_of(error)}; on a new module it does not"
            ) from error
        if wrong := found.differs(expected):
            raise Violation(
                f"in call {call} of one module, on {shape}, {wrong} as on a new one",
                "something of an earlier call is kept, such as its batch size, and used again",
            )


def _fresh(trial: Trial, inputs: Sequence[Tensor]) -> ForwardBackward:
    return forward_backward(trial.build(), inputs)


def _sizes(trial: Trial) -> list[Trial]:
    """Return the trial with other numbers of rows in turn; only as it is where there is no such number."""
    if not trial.draws and len(trial.case.shape) < 2:
        return [trial] * 3
    first = len(trial.inputs()[0]) if trial.inputs()[0].dim() else 1
    try:
        return [trial.of_rows(size) for size in (first, first, first + 4, 2, 1, first)]
    except NotApplicable:
        return [trial] * 3


def _alternating(
    trials: tuple[Trial, ...], inputs: tuple[tuple[Tensor, ...], ...], order: tuple[int, ...]
) -> dict[int, ForwardBackward]:
    """Return what instances give of which all run forward, in turn, and then backward, in this order."""
    modules = [each.build().train() for each in trials]
    outputs = []
    for module, given in zip(modules, inputs, strict=True):
        module.zero_grad()
        with seeded(0):
            outputs.append(run(module, given))
    found = {}
    for place in order:
        module, output = modules[place], outputs[place]
        found[place] = result_of(module, inputs[place], output, module.backward(*drawn_like(output)))
    return found
