"""A wire between two devices: packets wait for their turn at its rate, and then for its delay."""

from __future__ import annotations

import os
import select
from collections import deque
from dataclasses import dataclass, field
from time import monotonic

LARGEST = 65_536  # bytes that a packet can have


@dataclass
class Way:
    """One direction of a wire.

    A packet of b bytes that comes at t leaves b / rate after those before it have left, and arrives after the delay: it
    is due at max(t, last) + b / rate + delay. None is lost.

    Args:
        rate: bytes a second.
        delay: seconds.

    >>> way = Way(rate=1000, delay=0.5)
    >>> way.put(bytes(100), now=0.0); way.put(bytes(100), now=0.0)
    >>> way.due
    0.6
    >>> len(way.arrived(now=0.65)), way.due
    (1, 0.7)
    """

    rate: float
    delay: float
    bytes: int = 0
    _left: float = 0.0
    _packets: deque[tuple[float, bytes]] = field(default_factory=deque)

    @property
    def due(self) -> float:
        """When the next packet arrives; infinite if there is none."""
        return self._packets[0][0] if self._packets else float("inf")

    def put(self, packet: bytes, now: float) -> None:
        """Take a packet."""
        self._left = max(now, self._left) + len(packet) / self.rate
        self._packets.append((self._left + self.delay, packet))
        self.bytes += len(packet)

    def arrived(self, now: float) -> list[bytes]:
        """Hand out what has arrived by now."""
        found = []
        while self.due <= now:
            found.append(self._packets.popleft()[1])
        return found


def carry(one: int, other: int, rate: float, delay: float) -> None:
    """Carry packets between two devices, for ever.

    Args:
        one, other: their file descriptors, which do not block.
        rate: bytes a second, each way.
        delay: seconds, each way.
    """
    ways = {one: (Way(rate, delay), other), other: (Way(rate, delay), one)}
    while True:
        due = min(way.due for way, _ in ways.values())
        wait = None if due == float("inf") else max(0.0, due - monotonic())
        readable, _, _ = select.select(list(ways), [], [], wait)
        for device in readable:
            _take_all(device, ways[device][0])
        for way, to in ways.values():
            for packet in way.arrived(monotonic()):
                os.write(to, packet)


def _take_all(device: int, way: Way) -> None:
    try:
        while True:
            way.put(os.read(device, LARGEST), monotonic())
    except BlockingIOError:
        return
