"""Numbers of a rule that depend on the step: the rate, the count of steps, and what Python's arithmetic makes of them.

A kernel takes a number and tells nobody where it is from. So each such number is a float of a value that no rule has of
its own, its mark, and remembers how it comes from rate and count. What is found with a mark among a kernel's arguments
is a number that can be told for every step to come.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from torch import Tensor

from corenet.training.engines.unsupported import NotRecordable

At = Callable[[int, Sequence[float]], Any]  # of the count of steps, and the rate of each group
IN_SIGHT = "use + - * / and ** on them alone, as x ** 0.5 for math.sqrt(x), and keep anything else in the state"


@dataclass(frozen=True)
class Comparison:
    """How a number that depends on the count of steps compared once with another, or with a constant."""

    relation: Callable[[Any, Any], bool]
    one: At
    other: Any
    answer: bool

    def holds(self, steps: range) -> bool:
        """Tell whether they compare so in each of these steps."""
        if self.one is _count and type(self.other) in (int, float) and not steps[0] <= self.other <= steps[-1]:
            steps = steps[:1]  # a constant that is none of them is on one side of all
        other = _at(self.other)
        return all(self.relation(self.one(step, ()), other(step, ())) is self.answer for step in steps)


def _count(step: int, rates: Sequence[float]) -> int:
    return step


class Trial:
    """The numbers of one trial of a rule, by their marks, and what the count of steps was compared with."""

    def __init__(self, seed: int, steps: int, comparisons: list[Comparison]) -> None:
        self._random, self.now, self._comparisons = Random(seed), steps, comparisons  # noqa: S311 - no secret
        self.at: list[At] = []
        self.counts: list[bool] = []  # whether each depends on the count of steps
        self._places: dict[float, int] = {}
        self.steps = Symbol(self, _count, has_rate=False, counts=True)

    def rate(self, group: int) -> Symbol:
        """Return the rate of a group."""
        return Symbol(self, lambda step, rates: rates[group], has_rate=True, counts=False)

    def mark(self, at: At, counts: bool) -> float:
        """Return the mark of one more number."""
        mark = self._random.uniform(0.25, 0.75)
        self._places[mark] = len(self.at)
        self.at.append(at)
        self.counts.append(counts)
        return mark

    def place(self, value: object) -> int | None:
        """Return which number has the mark ``value``, or None if none has."""
        return self._places.get(value) if type(value) is float else None

    def compared(self, relation: Callable[[Any, Any], bool], one: At, other: Any) -> bool:
        """Return how a number that depends on the count of steps compares now with another, and note it."""
        answer = relation(one(self.now, ()), _at(other)(self.now, ()))
        self._comparisons.append(Comparison(relation, one, other, answer))
        return answer


class Symbol(float):
    """The number ``at(steps, rates)``."""

    trial: Trial
    at: At
    has_rate: bool
    counts: bool

    def __new__(cls, trial: Trial, at: At, has_rate: bool, counts: bool) -> Symbol:
        made = super().__new__(cls, trial.mark(at, counts))
        made.trial, made.at, made.has_rate, made.counts = trial, at, has_rate, counts
        return made

    __hash__ = None  # type: ignore[assignment]  # nothing is found by it


def _at(value: Any) -> At:
    return value.at if isinstance(value, Symbol) else lambda step, rates: value


def _computing(function: Callable[[Any, Any], Any], is_reflected: bool = False) -> Callable[..., Any]:
    """Return arithmetic of a symbol and a number, whose result is a symbol too."""

    def compute(self: Symbol, value: Any) -> Any:
        if not isinstance(value, (int, float)):
            return NotImplemented  # a tensor's own method takes the mark
        left, right = (_at(value), self.at) if is_reflected else (self.at, _at(value))
        has_rate = self.has_rate or (isinstance(value, Symbol) and value.has_rate)
        counts = self.counts or (isinstance(value, Symbol) and value.counts)
        return Symbol(self.trial, lambda step, rates: function(left(step, rates), right(step, rates)), has_rate, counts)

    return compute


def _negative(self: Symbol) -> Symbol:
    at = self.at
    return Symbol(self.trial, lambda step, rates: -at(step, rates), self.has_rate, self.counts)


def _comparing(relation: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    """Return a comparison of a symbol with another number, 0 if none is named."""

    def compare(self: Symbol, value: Any = 0) -> Any:
        if isinstance(value, Tensor):
            return NotImplemented
        if self.has_rate or (isinstance(value, Symbol) and value.has_rate):
            raise NotRecordable("the rule compares its rate in Python", "let it do the same at every rate")
        return self.trial.compared(relation, self.at, value)

    return compare


def _refusing(name: str) -> Callable[..., Any]:
    def refuse(self: Symbol, *others: object) -> Any:
        text = f"the rule takes {name} of a number that depends on rate or count of steps, in Python"
        raise NotRecordable(text, IN_SIGHT)

    return refuse


def _define(names: Sequence[str], method: Callable[[str], Callable[..., Any]]) -> None:
    for name in names:
        setattr(Symbol, f"__{name}__", method(name))


_ARITHMETIC = ("add", "sub", "mul", "truediv", "pow")
_WHOLE = ("floordiv", "mod", "divmod", "rfloordiv", "rmod", "rdivmod")
_REFUSED = (*_WHOLE, "int", "float", "trunc", "round", "floor", "ceil", "abs", "format", "repr", "str", "complex")
_define(_ARITHMETIC, lambda name: _computing(getattr(operator, name)))
for _name in _ARITHMETIC:
    setattr(Symbol, f"__r{_name}__", _computing(getattr(operator, _name), is_reflected=True))
_define(("neg",), lambda _: _negative)
_define(("eq", "ne", "lt", "le", "gt", "ge"), lambda name: _comparing(getattr(operator, name)))
_define(("bool",), lambda _: _comparing(operator.ne))
_define(_REFUSED, _refusing)
