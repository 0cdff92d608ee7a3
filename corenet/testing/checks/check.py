"""A check: one promise of the contract of a kind, with a stable id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from corenet.contracts.case import Case

Run = Callable[[Any], None]


class Tried(Protocol):
    """What a check runs on, such as a :class:`~corenet.testing.support.trial.Trial`: one case of what is checked."""

    @property
    def factory(self) -> Callable[..., Any]:
        """What makes it; findings point to the file that this is written in."""

    @property
    def case(self) -> Case:
        """The case, which says what it expects to fail."""

    @property
    def seed(self) -> int:
        """What torch's generator is seeded with."""


@dataclass(frozen=True)
class Check:
    """A promise, its stable id, such as ``module.input_gradient``, and the version that introduced it.

    Where a check named in ``after`` fails, this one is skipped: it would report the same mistake again.
    """

    id: str
    kind: str
    since: str
    promise: str
    run: Run
    after: tuple[str, ...] = ()


class Checks(list[Check]):
    """The checks of one kind, in order; :meth:`add` makes a check of a function.

    >>> checks = Checks("loss")
    >>> @checks.add(since="0.1")
    ... def never_negative(trial):
    ...     '''The loss is never negative.'''
    >>> checks[0].id, checks[0].promise
    ('loss.never_negative', 'The loss is never negative.')
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def add(self, *, since: str, after: tuple[str, ...] = ("runs",)) -> Callable[[Run], Run]:
        """Return a decorator that makes a check of a function; its docstring's first line is the promise.

        ``after`` names the checks of this kind that must pass before it runs.
        """
        needed = tuple(f"{self.kind}.{name}" for name in after)

        def make(run: Run) -> Run:
            promise = (run.__doc__ or "").partition("\n")[0]
            self.append(Check(f"{self.kind}.{run.__name__}", self.kind, since, promise, run, needed))
            return run

        return make
