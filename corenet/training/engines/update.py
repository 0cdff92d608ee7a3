"""An optimizer's rule on a tape: what it does in a step, with the learning rate as a tensor.

The rule is Python, and may do another thing in each step. It is watched: the tape is made twice, with two rates,
and a number that moved must be the rate. The count of steps may be compared, and the answer is remembered; nothing may
be computed with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.tape import NotRecordable, Operation, Tape

_RATES = (0.7390851332151607, 0.5671432904097838)  # numbers that no rule has of its own
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
        NotRecordable: the rule looks at numbers, computes with the rate or the count of steps, or keeps
            something anew in each step.

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
    guards: list[Guard] = []
    first, second = (_taped(optimizer, rate, guards) for rate in _RATES)
    rate, minus_rate = (torch.zeros((), dtype=torch.float64) for _ in range(2))
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


def _taped(optimizer: Optimizer, rate: float, guards: list[Guard]) -> list[Operation]:
    flats, states = optimizer._flats, optimizer._states
    held = [list(state.items()) for state in states]
    settings = {name: value for name, value in optimizer.settings().items() if name != "steps"}
    with _put_back(tensors_of(optimizer)), _watched(optimizer, rate, guards), Tape() as tape:
        for flat, state in zip(flats, states, strict=True):
            optimizer.update(flat.param, flat.grad, state)
    operations: list[Operation] = tape.operations
    now = [list(state.items()) for state in states]
    for state, before in zip(states, held, strict=True):
        state.clear()
        state.update(before)
    after = {name: value for name, value in optimizer.settings().items() if name != "steps"}
    vars(optimizer).update(settings)
    if _identities(now) != _identities(held) or after != settings:
        raise NotRecordable("the rule keeps something anew in each step")
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
    return [*flats, *chain.from_iterable(state.values() for state in optimizer._states)]


def _identities(states: Sequence[Sequence[tuple[str, Tensor]]]) -> list[list[tuple[str, int, int]]]:
    return [[(name, id(tensor), tensor.data_ptr()) for name, tensor in state] for state in states]


@contextmanager
def _put_back(tensors: Sequence[Tensor]) -> Iterator[None]:
    before = [tensor.clone() for tensor in tensors]
    try:
        yield
    finally:
        for tensor, kept in zip(tensors, before, strict=True):
            tensor.copy_(kept)


class _Steps:
    """The count of steps, which may be compared and nothing else."""

    def __init__(self, value: int, guards: list[Guard]) -> None:
        self.value, self.guards = value, guards

    def _compare(self, relation: Callable[[Any, Any], bool], other: object) -> bool:
        answer = relation(self.value, other)
        self.guards.append(lambda step: relation(step, other) is answer)
        return answer

    def __bool__(self) -> bool:
        return self._compare(operator.ne, 0)

    def __eq__(self, other: object) -> bool:
        return self._compare(operator.eq, other)

    def __ne__(self, other: object) -> bool:
        return self._compare(operator.ne, other)

    def __lt__(self, other: object) -> bool:
        return self._compare(operator.lt, other)

    def __le__(self, other: object) -> bool:
        return self._compare(operator.le, other)

    def __gt__(self, other: object) -> bool:
        return self._compare(operator.gt, other)

    def __ge__(self, other: object) -> bool:
        return self._compare(operator.ge, other)

    __hash__ = None  # type: ignore[assignment]


@contextmanager
def _watched(optimizer: Optimizer, rate: float, guards: list[Guard]) -> Iterator[None]:
    """Let the optimizer see another rate and a watched count of steps; its base rate it may not see."""
    steps, own = _Steps(optimizer.steps, guards), type(optimizer)
    seen = {
        "current_lr": property(lambda _: rate),
        "lr": property(_refused),
        "steps": property(lambda _: steps),
    }
    optimizer.__class__ = type(own.__name__, (own,), seen)
    try:
        yield
    finally:
        optimizer.__class__ = own


def _refused(optimizer: Optimizer) -> float:
    raise NotRecordable("the rule reads lr, not current_lr")
