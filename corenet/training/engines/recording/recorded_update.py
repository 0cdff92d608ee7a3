"""An optimizer's rule on a tape: what it does in a step, with the learning rate as a tensor.

The rule is Python, and may do another thing in each step. It is watched: the tape is made twice, with two rates,
and a number that moved must be the rate. The count of steps may be compared, and the answer is remembered; nothing may
be computed with it. What the rule keeps must be tensors of its state, which the tape sees, or constants.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.recording.op_log import NotRecordable, Operation, Tape
from corenet.training.engines.recording.recorded_step import put_back, same_draws

_RATES = (0.7390851332151607, 0.5671432904097838)  # numbers that no rule has of its own
_CONSTANT = (bool, int, float, str, type(None), type, FunctionType)
Guard = Callable[[int], bool]


@dataclass
class Update:
    """The operations of one step, the rate that they read (and its negative), and when they are the right ones."""

    operations: list[Operation]
    rate: Tensor
    minus_rate: Tensor
    guards: list[Guard]

    def holds(self, steps: range) -> bool:
        """Tell whether the rule does the same in each of these steps, but for the rate."""
        return all(guard(step) for guard in self.guards for step in steps)


def recorded_update(optimizer: Optimizer) -> Update:
    """Return what a step of ``optimizer`` does to its tensors; none is moved by this.

    Raises:
        NotRecordable: the rule looks at numbers, draws some, computes with the rate or the count of steps in
            Python, or keeps something anew in each step or elsewhere than in its state.

    >>> import corenet as cn
    >>> model = cn.Linear(2, 1)
    >>> optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> optimizer.step()
    >>> update = recorded_update(optimizer)
    >>> [operation.name for operation in update.operations]
    ['mul_', 'add_', 'sub_']
    >>> update.holds(range(1, 100)), update.holds(range(0, 100))
    (True, False)
    """
    _refuse_unseen(optimizer)
    guards: list[Guard] = []
    with same_draws():
        first, second = (_taped(optimizer, rate, guards) for rate in _RATES)
    rate, minus_rate = (torch.zeros((), dtype=torch.float64) for _ in range(2))
    if any(torch.Tag.nondeterministic_seeded in each.function.tags for each in first):
        raise NotRecordable("the rule draws random numbers")
    if [each.function for each in first] != [each.function for each in second]:
        raise NotRecordable("the rule does another thing at another rate")

    def substituted(one: object, other: object) -> object:
        if isinstance(one, Tensor) or one == other:
            return one
        if (one, other) == _RATES:
            return rate
        if (one, other) == tuple(-each for each in _RATES):
            return minus_rate
        raise NotRecordable("the rule computes with its rate in Python")

    operations = [
        replace(
            one,
            arguments=tuple(map(substituted, one.arguments, other.arguments)),
            keywords={name: substituted(value, other.keywords[name]) for name, value in one.keywords.items()},
        )
        for one, other in zip(first, second, strict=True)
    ]
    return Update(operations, rate, minus_rate, guards)


def _refuse_unseen(optimizer: Optimizer) -> None:
    """Refuse what may change where no tape sees it: what is kept beside the state, and a rate read from tensors."""
    for name, value in optimizer.settings().items():
        if not _is_constant(value):
            raise NotRecordable(f"{name} is neither a constant nor in the state")
    if not all(isinstance(value, Tensor) for state in optimizer._states for value in state.values()):
        raise NotRecordable("not all of the state are tensors")
    with Tape() as tape:
        _ = optimizer.current_lr
    if tape.operations:
        raise NotRecordable("the rate comes of tensors")


def _is_constant(value: object) -> bool:
    return isinstance(value, _CONSTANT) or (isinstance(value, tuple) and all(map(_is_constant, value)))


def recorded_by(optimizer: Optimizer) -> list[Any]:
    """Return values that stay equal as long as a recorded update stays what the rule does."""
    return [rule_of(optimizer), *((id(tensor), tensor.data_ptr()) for tensor in tensors_of(optimizer))]


def rule_of(optimizer: Optimizer) -> list[Any]:
    """Return what two optimizers have in common that do the same to their tensors, but for the rate.

    >>> import corenet as cn
    >>> weights = cn.Linear(2, 1).parameters()
    >>> rule_of(cn.SGD(weights, lr=0.1)) == rule_of(cn.SGD(weights, lr=0.2))
    True
    """
    settings = [(name, value) for name, value in optimizer.settings().items() if name not in ("_lr", "steps")]
    return [type(optimizer), *((name, value if _is_constant(value) else id(value)) for name, value in settings)]


def _taped(optimizer: Optimizer, rate: float, guards: list[Guard]) -> list[Operation]:
    with _left_as_it_is(optimizer), _watched(optimizer, rate, guards), Tape() as tape:
        for flat, state in zip(optimizer._flats, optimizer._states, strict=True):
            optimizer.update(flat.param, flat.grad, state)
    operations: list[Operation] = tape.operations
    return operations


def learning_rates(optimizer: Optimizer, steps: Iterable[int]) -> list[float]:
    """Return the rate that the optimizer will have at each of ``steps``.

    >>> import corenet as cn
    >>> learning_rates(cn.SGD([cn.Parameter(torch.ones(1))], lr=0.4, lr_decay=1.0), range(3))
    [0.4, 0.2, 0.13333333333333333]
    """
    now = optimizer.steps
    rates = []
    try:
        for optimizer.steps in steps:
            rates.append(optimizer.current_lr)
    finally:
        optimizer.steps = now
    return rates


def tensors_of(optimizer: Optimizer) -> list[Tensor]:
    """Return parameters, gradients and what is remembered of them."""
    flats = chain.from_iterable((flat.param, flat.grad) for flat in optimizer._flats)
    states = chain.from_iterable(state.values() for state in optimizer._states)
    return [*flats, *(value for value in states if isinstance(value, Tensor))]


@contextmanager
def _left_as_it_is(optimizer: Optimizer) -> Iterator[None]:
    """Put back what a trial moves, and refuse a rule that put something else in its place."""
    kept = [vars(optimizer), *optimizer._states]
    held, granted = [dict(each) for each in kept], recorded_by(optimizer)
    with put_back(tensors_of(optimizer)):
        try:
            yield
            if recorded_by(optimizer) != granted or list(map(list, kept)) != list(map(list, held)):
                raise NotRecordable("the rule keeps something anew in each step")
        finally:
            for now, then in zip(kept, held, strict=True):
                now.clear()
                now.update(then)


class _Steps:
    """The count of steps, which may be compared and nothing else."""

    def __init__(self, value: int, guards: list[Guard]) -> None:
        self.value, self.guards = value, guards

    __hash__ = None  # type: ignore[assignment]


class _Rate(float):
    """The rate, which may be negated and given to a kernel, and nothing else: what comes of it is not seen."""


def _refuse(self: object, other: object = None) -> Any:
    if isinstance(other, Tensor):
        return NotImplemented  # the tensor's own method takes a rate, and refuses steps
    raise NotRecordable("the rule computes with its rate or the count of steps in Python")


def _comparing(relation: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """Return a comparison of the count of steps with another number, 0 if none is named, that is remembered."""

    def compare(self: _Steps, other: object = 0) -> bool:
        answer = relation(self.value, other)
        self.guards.append(lambda step: relation(step, other) is answer)
        return answer

    return compare


_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
for _name in _COMPARISONS:
    setattr(_Steps, f"__{_name}__", _comparing(getattr(operator, _name)))
setattr(_Steps, "__bool__", _comparing(operator.ne))  # noqa: B010 - as above
_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
for _name in (*_ARITHMETIC, *(f"r{each}" for each in _ARITHMETIC), "int", "float", "round", "abs"):
    setattr(_Steps, f"__{_name}__", _refuse)
    setattr(_Rate, f"__{_name}__", _refuse)
for _name in ("bool", *_COMPARISONS):
    setattr(_Rate, f"__{_name}__", _refuse)


@contextmanager
def _watched(optimizer: Optimizer, rate: float, guards: list[Guard]) -> Iterator[None]:
    """Let the optimizer see another rate and a watched count of steps; its base rate it may not see."""
    steps, own = _Steps(optimizer.steps, guards), type(optimizer)
    seen = {
        "current_lr": property(lambda _: _Rate(rate)),
        "_lr": property(_refused),  # lr reads it
        "steps": property(lambda _: steps),
    }
    optimizer.__class__ = type(own.__name__, (own,), seen)
    try:
        yield
    finally:
        optimizer.__class__ = own


def _refused(optimizer: Optimizer) -> float:
    raise NotRecordable("the rule reads lr, not current_lr")
