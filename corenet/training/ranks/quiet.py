"""An error that another rank tells of: it ends this process too, and is not printed again."""

from __future__ import annotations

import sys
from time import sleep
from types import TracebackType
from typing import TypeVar

Error = TypeVar("Error", bound=BaseException)
SECONDS = 0.5  # that a silent rank ends later: torchrun ends all as soon as one has ended


def quieted(error: Error) -> Error:
    """Return an error of this rank that another one tells of."""
    if sys.excepthook is not _told_once:
        _Hook.before = staticmethod(sys.excepthook)
        sys.excepthook = _told_once
    error.is_told_by_another_rank = True  # type: ignore[attr-defined]
    return error


def is_marked(error: BaseException) -> bool:
    """Tell whether another rank tells of an error."""
    found: bool = getattr(error, "is_told_by_another_rank", False)
    return found


def is_quiet(error: BaseException) -> bool:
    """Tell the same as the process is about to end, and give the other rank the time to tell."""
    if is_marked(error):
        sleep(SECONDS)
    return is_marked(error)


class _Hook:
    before = staticmethod(sys.excepthook)


def _told_once(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not is_quiet(error):
        _Hook.before(kind, error, trace)
