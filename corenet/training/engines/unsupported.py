"""Why an engine cannot run a training as it would, and how its user hears of it."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from corenet.errors import EngineWarning

LOG = logging.getLogger("corenet")


class Unsupported(Exception):  # noqa: N818 - it says that another engine is needed, not that something is wrong
    """An engine cannot do this; a slower one can.

    ``code`` says so to programs; ``text`` and ``fix``, what a user can do about it if anything, to people.
    """

    code: ClassVar[str] = "unsupported"

    def __init__(self, text: str, fix: str = "") -> None:
        super().__init__(text, fix)
        self.text, self.fix = text, fix

    def __str__(self) -> str:
        return f"{self.text}; {self.fix}" if self.fix else self.text


class NotRecordable(Unsupported):
    """A step does something that cannot be done again from the log of its operations."""

    code = "not-recordable"


class CannotCompile(Unsupported):
    """There is no C compiler, it refused, or it would take too long."""

    code = "cannot-compile"


class NotYet(Exception):  # noqa: N818 - as above
    """The compiler is at work in the background; ``is_over`` tells when it is worth asking again."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        super().__init__("the compiler is at work")
        self.is_over = is_over


def is_of_ours(error: BaseException) -> bool:
    """Tell whether code of an engine raised an error, and not a component's that it called, or torch for that."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = "" if trace is None else trace.tb_frame.f_globals.get("__name__", "")
    return str(module).startswith("corenet.training.engines.")


@dataclass(frozen=True)
class Reporter:
    """Tells a user what an engine does instead: by a warning if it was asked for by name, else in the log."""

    asked_by_name: bool = False

    def fallback(self, what: str, reason: Unsupported) -> None:
        """Say ``what`` happens instead, and why."""
        message = f"{what}: {reason}"
        if self.asked_by_name:
            warnings.warn(message, EngineWarning, stacklevel=_of_the_user())
        else:
            LOG.info(message)

    def bug(self, what: str, error: Exception) -> None:
        """Say that corenet itself failed; raise the error where ``CORENET_STRICT`` or ``CORENET_DEBUG`` is 1."""
        if "1" in (os.environ.get("CORENET_STRICT"), os.environ.get("CORENET_DEBUG")):
            raise error
        message = f"{what}: a bug in corenet, please report it: {type(error).__name__}: {error}"
        warnings.warn(message, EngineWarning, stacklevel=_of_the_user())


def _of_the_user() -> int:
    """Return how far up the caller's caller of corenet is: a warning shows that line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "corenet":
        frame, level = frame.f_back, level + 1
    return level
