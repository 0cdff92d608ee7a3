"""Who has ended, and what of: asked when the ranks can no longer reach each other."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic, sleep
from typing import Any

ANSWER = 1.0  # seconds in which a rank that lives answers
ENDED = "ended"


class RollCall:
    """What ranks leave in the store, which stands when the connections between them are gone.

    Args:
        store: of torch.distributed, under names of this training alone.
        rank: who asks.
        size: how many ranks there are.
        timeout: seconds for which one waits for another.
    """

    def __init__(self, store: Any, rank: int, size: int, timeout: float) -> None:
        self._store, self._rank, self._size, self._timeout = store, rank, size, timeout

    def ends(self, text: str) -> bool:
        """Say that this rank ends by an error; tell whether it is the first to do so, which tells its user."""
        try:
            own = f"{self._rank} {text}"
            return bool(self._store.compare_set(ENDED, "", own).decode() == own)
        except RuntimeError:  # of a store that is gone
            return True

    def missing(self, waited: float) -> str:
        """Return what has become of another rank, after a wait for it that was in vain."""
        with suppress(RuntimeError):
            self._store.set(f"here {self._rank}", "")
        end, gone = monotonic() + ANSWER, self._silent()
        while gone and monotonic() < end and not self._last_words():
            sleep(0.05)
            gone = self._silent()
        if words := self._last_words():
            rank, _, text = words.partition(" ")
            return f"rank {rank} of {self._size} ended: {text}"
        who = f"rank {', '.join(map(str, gone))} of {self._size}"
        if not gone:
            return f"the connection between the {self._size} ranks broke; all of them are there still"
        if waited >= self._timeout:
            return f"{who} did not come within {self._timeout:g} seconds (CORENET_RANK_TIMEOUT)"
        return f"{who} does not answer: it was killed, ran out of memory, or hangs"

    def _silent(self) -> list[int]:
        """Return the ranks that have not answered."""
        return [rank for rank in range(self._size) if not self._has(f"here {rank}")]

    def _last_words(self) -> str:
        if not self._has(ENDED):
            return ""
        with suppress(RuntimeError):
            return str(self._store.get(ENDED).decode())
        return ""

    def _has(self, key: str) -> bool:
        try:
            return bool(self._store.check([key]))
        except RuntimeError:  # the process that keeps the store is gone
            return False
