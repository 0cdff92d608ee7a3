"""A check: one promise that every component of a kind keeps, with a name that stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from corenet.errors import CorenetError
from corenet.registry.collect import reason_of
from corenet.registry.spec import Kind
from corenet.testing.support.trial import Trial

Run = Callable[[Trial], None]


class Violation(Exception):  # noqa: N818 - it is no error of the kit's but what it found
    """A check's finding: the component breaks a promise."""

    def __init__(self, message: str, diagnosis: str = "") -> None:
        self.message = message
        self.diagnosis = diagnosis
        super().__init__(message)


class NotApplicable(Exception):  # noqa: N818 - as above
    """A check has nothing to look at in this component."""


def tensor_from(method: str, value: object) -> Tensor:
    """Return what a method returned, or raise a :class:`Violation` if it is no tensor."""
    if not isinstance(value, Tensor):
        raise Violation(f"{method} returns {type(value).__name__}, not a tensor")
    return value


def must_refuse(what: str, call: Callable[[], object], error: type[CorenetError], diagnosis: str) -> None:
    """Raise a :class:`Violation` unless ``call`` raises such an ``error``."""
    try:
        call()
    except error:
        return
    except Exception as other:
        raise Violation(f"{what} raises {reason_of(other)}, not a {error.__name__}", diagnosis) from other
    raise Violation(f"{what} is not refused with a {error.__name__}", diagnosis)


@dataclass(frozen=True)
class Check:
    """A promise with its stable id, such as ``module.input_gradient``, and the version that brought it.

    Where one of the checks with the ids ``after`` fails, this one would only find the same mistake once more.
    """

    id: str
    kind: Kind
    since: str
    promise: str
    run: Run
    after: tuple[str, ...] = ()


class Checks(list[Check]):
    """The checks of one kind, in order; an instance decorates a function to make a check of it.

    >>> checks = Checks("loss")
    >>> @checks.add(since="0.1")
    ... def never_negative(trial):
    ...     '''The loss is never negative.'''
    >>> checks[0].id, checks[0].promise
    ('loss.never_negative', 'The loss is never negative.')
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind

    def add(self, *, since: str, after: tuple[str, ...] = ("runs",)) -> Callable[[Run], Run]:
        """Return a decorator that makes a check of a function; its docstring's first line is the promise.

        ``after`` names the checks of this kind that come before it, and without which it is not tried.
        """
        needed = tuple(f"{self.kind}.{name}" for name in after)

        def make(run: Run) -> Run:
            promise = (run.__doc__ or "").partition("\n")[0]
            self.append(Check(f"{self.kind}.{run.__name__}", self.kind, since, promise, run, needed))
            return run

        return make
