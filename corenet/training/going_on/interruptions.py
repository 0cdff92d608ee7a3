"""SIGINT and SIGTERM noted, for a training that ends where it can be saved; a second one ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Noted:
    """The first signal that came, or None."""

    TERMINATE = int(signal.SIGTERM)

    def __init__(self) -> None:
        self.signal: int | None = None


@contextmanager
def noting_signals() -> Iterator[Noted]:
    """Let the first SIGINT or SIGTERM be noted, and any other do what it did before; all do so afterwards.

    Signals come to the main thread alone: in another this notes nothing. One that the process ignores is left alone.
    """
    noted = Noted()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before: dict[int, Any] = {each: signal.getsignal(each) for each in SIGNALS}
    ours = [each for each, handler in before.items() if handler not in (signal.SIG_IGN, None)]

    def restore() -> None:
        for each in ours:
            signal.signal(each, before[each])

    def note(number: int, frame: FrameType | None) -> None:
        restore()
        if noted.signal is None:
            noted.signal = number
        else:
            signal.raise_signal(number)

    for each in ours:
        signal.signal(each, note)
    try:
        yield noted
    finally:
        restore()
