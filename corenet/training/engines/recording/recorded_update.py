"""An optimizer's rule as a log of operations, with the learning rate as a tensor.

The rule is Python, and may do another thing in each step. So it is tried on a shadow of the optimizer, twice, with two
rates: a number that moved must be the rate. The count of steps may be compared, and the answer is remembered; nothing
may be computed with it. What the rule keeps must be tensors of its state, or constants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.optimizer_adapter import tensors_of
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.op_log import Operation, OpLog
from corenet.training.engines.recording.optimizer_shadow import AS_FACTOR, WRITTEN_IN_PLACE, Comparison, Shadow
from corenet.training.engines.recording.rng_state import python_rng_checkpoint, rng_checkpoint
from corenet.training.engines.unsupported import NotRecordable

_RATES = (0.7390851332151607, 0.5671432904097838)  # numbers that no rule has of its own
_CONSTANT = (bool, int, float, str, type(None), type, FunctionType)
_OUTSIDE_THE_RULE = ("parameters", "_layout", "_lr", "steps")


@dataclass
class RecordedUpdate:
    """The operations of one step, the rate that they read (and its negative), and when they are the right ones."""

    operations: list[Operation]
    rate: Tensor
    minus_rate: Tensor
    comparisons: list[Comparison]
    reads: Guards
    state: list[Any]

    def holds(self, steps: range) -> bool:
        """Tell whether the rule does the same in each of these steps, but for the rate."""
        return all(comparison(step) for comparison in self.comparisons for step in steps)

    def is_current(self, optimizer: Optimizer) -> bool:
        """Tell whether it is still what the optimizer does, to the tensors that it has now."""
        return self.state == recorded_state(optimizer) and self.reads.changed() is None


def record_update(optimizer: Optimizer) -> RecordedUpdate:
    """Return what a step of ``optimizer`` does to its tensors; none is moved by this.

    Raises:
        NotRecordable: the rule looks at numbers, draws some, computes with the rate or the count of steps in
            Python, or keeps something anew in each step or elsewhere than in its state.

    >>> import corenet as cn
    >>> model = cn.Linear(2, 1)
    >>> optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> optimizer.step()
    >>> update = record_update(optimizer)
    >>> [operation.name for operation in update.operations]
    ['mul_', 'add_', 'sub_']
    >>> update.holds(range(1, 100)), update.holds(range(0, 100))
    (True, False)
    """
    reads = Guards.of_update(optimizer)
    reads.refuse_setting("the rule")
    _refuse_what_is_kept_elsewhere(optimizer)
    reads.refuse_unseen()
    comparisons: list[Comparison] = []
    rewinds = rng_checkpoint(), python_rng_checkpoint()
    try:
        first, second = (Shadow(optimizer, rate, comparisons).logged() for rate in _RATES)
    finally:
        for rewind in rewinds:
            rewind()
    reads.refuse_changed("the rule", WRITTEN_IN_PLACE)
    if any(torch.Tag.nondeterministic_seeded in each.function.tags for each in first):
        raise NotRecordable("the rule draws random numbers")
    rate, minus_rate = (torch.zeros((), dtype=torch.float64) for _ in range(2))
    operations = _with_rate(first, second, rate, minus_rate)
    return RecordedUpdate(operations, rate, minus_rate, comparisons, reads, recorded_state(optimizer))


def _with_rate(first: list[Operation], second: list[Operation], rate: Tensor, minus_rate: Tensor) -> list[Operation]:
    """Return operations with the rate as a tensor where it stood as a number."""
    if [each.function for each in first] != [each.function for each in second]:
        raise NotRecordable("update() runs different operations at different learning rates", AS_FACTOR)

    def substituted(one: object, other: object) -> object:
        if isinstance(one, (Tensor, list, tuple)) or one == other:
            return one
        if (one, other) == _RATES:
            return rate
        if (one, other) == tuple(-each for each in _RATES):
            return minus_rate
        raise NotRecordable("the rule computes with its rate in Python", AS_FACTOR)

    return [
        replace(
            one,
            arguments=tuple(map(substituted, one.arguments, other.arguments)),
            keywords={name: substituted(value, other.keywords[name]) for name, value in one.keywords.items()},
        )
        for one, other in zip(first, second, strict=True)
    ]


def _refuse_what_is_kept_elsewhere(optimizer: Optimizer) -> None:
    """Refuse what may change where no log shows it: what is kept beside the state, and a rate read from tensors."""
    for name, value in settings(optimizer).items():
        if not _is_constant(value):
            text = f"the rule may keep something in {name}, which is neither a constant nor in the state"
            raise NotRecordable(text, WRITTEN_IN_PLACE)
    if not all(isinstance(value, Tensor) for slot in optimizer.layout.slots for value in slot.state.values()):
        raise NotRecordable("not everything in the rule's state is a tensor", "keep a number as torch.zeros(())")
    with OpLog() as log:
        _ = optimizer.current_lr
    if log.operations:
        raise NotRecordable("the learning rate is computed from tensors", "compute it from numbers")


def _is_constant(value: object) -> bool:
    return isinstance(value, _CONSTANT) or (isinstance(value, tuple) and all(map(_is_constant, value)))


def settings(optimizer: Optimizer) -> dict[str, Any]:
    """Return everything that governs the rule but the rate, the count of steps, and the tensors."""
    return {name: value for name, value in vars(optimizer).items() if name not in _OUTSIDE_THE_RULE}


def rule_of(optimizer: Optimizer) -> list[Any]:
    """Return what two optimizers have in common that do the same to their tensors, but for the rate.

    >>> import corenet as cn
    >>> weights = cn.Linear(2, 1).parameters()
    >>> rule_of(cn.SGD(weights, lr=0.1)) == rule_of(cn.SGD(weights, lr=0.2))
    True
    """
    described = [(name, value if _is_constant(value) else id(value)) for name, value in settings(optimizer).items()]
    return [type(optimizer), *described]


def recorded_state(optimizer: Optimizer) -> list[Any]:
    """Return values that stay equal as long as a recorded update is of the tensors at hand."""
    return [rule_of(optimizer), *((id(tensor), tensor.data_ptr()) for tensor in tensors_of(optimizer))]
