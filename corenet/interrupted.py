"""What ends work that was told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """A training was told to stop by SIGINT or SIGTERM, and was saved; the message says where.

    As Ctrl-C, it is no :class:`Exception`. ``signal`` is the number of the signal, ``exit_code`` what a program ends
    with, 130 or 143; ``history`` has the epochs so far.
    """

    def __init__(self, message: str, *, signal: int) -> None:
        self.signal = signal
        self.exit_code = 128 + signal
        self.history: Sequence[object] = ()
        super().__init__(message)


@contextmanager
def leaving(message: str) -> Iterator[None]:
    """Let SIGINT and SIGTERM end what is done with an :class:`Interrupted` of this message.

    Signals come to the main thread alone: in another this does nothing. One that the process ignores is left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def leave(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise Interrupted(message, signal=number)

    heard = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, leave) for each in heard}
    try:
        yield
    except Exception as error:
        if came:  # what was interrupted, a driver that waited for its server say, may put it in words of its own
            raise Interrupted(message, signal=came[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
