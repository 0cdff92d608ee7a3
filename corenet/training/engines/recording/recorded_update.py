"""An optimizer's rule as a log of operations, whose numbers are those of each step.

The rule is Python, and may do another thing in each step. So it is tried on a shadow of the optimizer, twice, with
other marks for the numbers that depend on the step (:mod:`.symbol`): a number that differs must be one of them. The
count of steps may be compared, and the answer is remembered. What the rule keeps must be tensors of its state, or
constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.optimizer_adapter import learning_rates, rates_of_groups, tensors_of
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.op_log import Operation, OpLog
from corenet.training.engines.recording.optimizer_shadow import WRITTEN_IN_PLACE, Shadow
from corenet.training.engines.recording.rng_state import python_rng_checkpoint, rng_checkpoint
from corenet.training.engines.recording.symbol import IN_SIGHT, At, Comparison, Trial
from corenet.training.engines.unsupported import NotRecordable

Numbers = Sequence[tuple[float, ...]]  # those of an update, for each of some steps

_CONSTANT = (bool, int, float, str, type(None), type, FunctionType)
_OUTSIDE_THE_RULE = ("parameters", "_layout", "_lr", "_schedule", "_groups", "steps")
_HIDDEN = "the rule computes with rate or count of steps out of sight, as math.sqrt does"


@dataclass
class RecordedUpdate:
    """The operations of one step, the numbers that they read, and when they are the right ones.

    ``numbers`` has those of one step, in float64; each operation reads one of ``parts``, its elements; and ``at`` tells
    them for each step. ``counts`` says whether one of them depends on the count of steps, not on rates alone.
    """

    operations: list[Operation]
    numbers: Tensor
    parts: list[Tensor]
    at: list[At]
    counts: bool
    comparisons: list[Comparison]
    reads: Guards
    state: list[Any]

    def holds(self, steps: range) -> bool:
        """Tell whether the rule does the same in each of these steps, but for its numbers."""
        return all(comparison.holds(steps) for comparison in self.comparisons)

    def numbers_of(self, optimizer: Optimizer, steps: range) -> Numbers:
        """Return the numbers of each of these steps."""
        rates = rates_of_groups(optimizer, steps)
        if self.counts:
            return list(map(self._numbers_at, steps, rates))
        made = {now: self._numbers_at(0, now) for now in set(rates)}
        return [made[now] for now in rates]

    def _numbers_at(self, step: int, rates: Sequence[float]) -> tuple[float, ...]:
        return tuple([float(at(step, rates)) for at in self.at])

    def is_current(self, optimizer: Optimizer) -> bool:
        """Tell whether it is still what the optimizer does, to the tensors that it has now."""
        return self.state == recorded_state(optimizer) and self.reads.changed() is None


def record_update(optimizer: Optimizer) -> RecordedUpdate:
    """Return what a step of ``optimizer`` does to its tensors; none is moved by this.

    Raises:
        NotRecordable: the rule looks at numbers of tensors, draws some, computes with the rate or the count of steps
            beyond arithmetic, or keeps something anew in each step or elsewhere than in its state.

    >>> import corenet as cn
    >>> model = cn.Linear(2, 1)
    >>> optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9, lr_decay=1.0)
    >>> optimizer.step()
    >>> update = record_update(optimizer)
    >>> [operation.name for operation in update.operations]
    ['mul_', 'add_', 'sub_']
    >>> update.holds(range(1, 100)), update.holds(range(0, 100))
    (True, False)
    >>> update.numbers_of(optimizer, range(1, 3))
    [(0.05,), (0.03333333333333333,)]
    """
    reads = Guards.of_update(optimizer)
    reads.refuse_setting("the rule")
    refuse_what_is_kept_elsewhere(optimizer)
    reads.refuse_unseen()
    _refuse_impure_schedule(optimizer)
    comparisons: list[Comparison] = []
    trials = [Trial(seed, optimizer.steps, comparisons) for seed in (1, 2)]
    rewinds = rng_checkpoint(), python_rng_checkpoint()
    try:
        logs = [Shadow(optimizer, trial).logged() for trial in trials]
    finally:
        for rewind in rewinds:
            rewind()
    reads.refuse_changed("the rule", WRITTEN_IN_PLACE)
    if any(torch.Tag.nondeterministic_seeded in each.function.tags for each in logs[0]):
        raise NotRecordable("the rule draws random numbers")
    places = _places_of_numbers(logs, trials)
    at = [trials[0].at[place] for place in places]
    _refuse_hidden_constants(at, [trials[1].at[place] for place in places], optimizer)
    numbers = torch.zeros(max(1, len(at)), dtype=torch.float64)  # a memory, even if there are none
    parts = list(numbers[: len(at)].unbind())
    operations = _with_numbers(logs[0], trials[0], dict(zip(places, parts, strict=True)))
    counts = any(trials[0].counts[place] for place in places)
    return RecordedUpdate(operations, numbers, parts, at, counts, comparisons, reads, recorded_state(optimizer))


def _refuse_impure_schedule(optimizer: Optimizer) -> None:
    """Refuse a schedule that does not depend on the count of steps alone: it is asked of many steps at once."""
    if optimizer.schedule is None:
        return
    reads = Guards.of_code_between(optimizer.schedule, "schedule", ("__call__",))
    reads.refuse_unseen()
    learning_rates(optimizer, [optimizer.steps])
    reads.refuse_changed("the schedule", "make it a function of the count of steps alone")


def _places_of_numbers(logs: Sequence[Sequence[Operation]], trials: Sequence[Trial]) -> list[int]:
    """Return which numbers of the trials are arguments of kernels, in their order.

    Raises:
        NotRecordable: another number differs between the logs, or an operation does.
    """
    if [each.function for each in logs[0]] != [each.function for each in logs[1]]:
        raise NotRecordable("update() runs different operations at different learning rates", IN_SIGHT)
    found: dict[int, None] = {}
    for one, other in zip(_arguments(logs[0]), _arguments(logs[1]), strict=True):
        place = trials[0].place(one)
        if place != trials[1].place(other) or (place is None and one != other):
            raise NotRecordable(_HIDDEN, IN_SIGHT)
        if place is not None:
            found[place] = None
    return list(found)


def _arguments(log: Sequence[Operation]) -> list[object]:
    given = [value for each in log for value in (*each.arguments, *each.keywords.values())]
    return [value for value in given if not isinstance(value, (Tensor, list, tuple))]


def _refuse_hidden_constants(at: Sequence[At], other: Sequence[At], optimizer: Optimizer) -> None:
    """Refuse expressions with a number in them that was computed from a mark, and so differs between two trials."""
    rates = [0.5 + place / 8 for place in range(len(optimizer.groups))]
    try:
        values = [[float(each(optimizer.steps, rates)) for each in own] for own in (at, other)]
    except Exception as error:
        raise NotRecordable(f"a number of the rule cannot be computed: {error}") from error
    if repr(values[0]) != repr(values[1]):
        raise NotRecordable(_HIDDEN, IN_SIGHT)


def _with_numbers(log: Sequence[Operation], trial: Trial, parts: dict[int, Tensor]) -> list[Operation]:
    """Return operations with a tensor where a mark was."""

    def substituted(value: object) -> object:
        place = trial.place(value)
        return value if place is None else parts[place]

    return [
        replace(
            each,
            arguments=tuple(map(substituted, each.arguments)),
            keywords={name: substituted(value) for name, value in each.keywords.items()},
        )
        for each in log
    ]


def refuse_what_is_kept_elsewhere(optimizer: Optimizer) -> None:
    """Refuse what may change where no log shows it: what is kept beside the state, and a rate read from tensors."""
    of_groups = [entry for group in optimizer.groups for entry in group.own.items()]
    for name, value in [*settings(optimizer).items(), *of_groups]:
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
    """Return everything that governs the rule but rates, the count of steps, groups, and the tensors."""
    return {name: value for name, value in vars(optimizer).items() if name not in _OUTSIDE_THE_RULE}


def rule_of(optimizer: Optimizer) -> list[Any]:
    """Return what two optimizers have in common that do the same to their tensors, but for the rate.

    >>> import corenet as cn
    >>> weights = cn.Linear(2, 1).parameters()
    >>> rule_of(cn.SGD(weights, lr=0.1)) == rule_of(cn.SGD(weights, lr=0.2))
    True
    """
    described = [(name, value if _is_constant(value) else id(value)) for name, value in settings(optimizer).items()]
    groups = [(len(group["params"]), *sorted(_but_lr(group.own).items())) for group in optimizer.groups]
    return [type(optimizer), *described, *groups]


def _but_lr(own: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in own.items() if name != "lr"}


def recorded_state(optimizer: Optimizer) -> list[Any]:
    """Return values that stay equal as long as a recorded update is of the tensors at hand."""
    return [rule_of(optimizer), *((id(tensor), tensor.data_ptr()) for tensor in tensors_of(optimizer))]
