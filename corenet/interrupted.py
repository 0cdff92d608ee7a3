"""What ends a training that was told to stop, and was saved."""

from __future__ import annotations

from collections.abc import Sequence


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
