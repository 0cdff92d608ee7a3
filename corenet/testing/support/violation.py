"""What a check raises: the component violates its contract, or the check does not apply to it."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from corenet.errors import ConfigError
from corenet.registry.collect import reason_of


class Violation(Exception):  # noqa: N818 - not an error of the kit, but what it found
    """The component violates its contract; ``message`` says how, ``diagnosis`` what to change."""

    def __init__(self, message: str, diagnosis: str = "") -> None:
        self.message = message
        self.diagnosis = diagnosis
        super().__init__(message)


class NotApplicable(Exception):  # noqa: N818 - as above
    """The check has nothing to test in this component."""


def tensor_from(method: str, value: object) -> Tensor:
    """Return what a method returned, or raise a :class:`Violation` if it is no tensor."""
    if not isinstance(value, Tensor):
        raise Violation(f"{method} returns {type(value).__name__}, not a tensor")
    return value


def must_refuse(what: str, call: Callable[[], object], error: type[Exception], diagnosis: str) -> None:
    """Raise a :class:`Violation` unless ``call`` raises such an ``error``; a ValueError is as good as a ConfigError.

    >>> must_refuse("a word", lambda: int("one"), ConfigError, "")
    """
    accepted = (error, ValueError) if issubclass(ConfigError, error) else error
    try:
        call()
    except accepted:
        return
    except Exception as other:
        raise Violation(f"{what} raises {reason_of(other)}, not a {error.__name__}", diagnosis) from other
    raise Violation(f"{what} is not refused with a {error.__name__}", diagnosis)
