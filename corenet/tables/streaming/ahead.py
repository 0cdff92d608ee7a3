"""Reading ahead: the next block is made by a thread while the one before is learnt from."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
END = object()


def ahead(values: Iterator[T], room: int = 1) -> Iterator[T]:
    """Yield values in their order, the next being made meanwhile; what is raised in making is raised here.

    At most ``room`` of them wait, and one more is being made.

    >>> list(ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    ready: queue.Queue[tuple[T | object, BaseException | None]] = queue.Queue(room)
    over = threading.Event()

    def put(value: T | object, error: BaseException | None = None) -> None:
        while not over.is_set():
            with suppress(queue.Full):
                ready.put((value, error), timeout=0.1)
                return

    def work() -> None:
        try:
            for value in values:
                put(value)
                if over.is_set():
                    return
            put(END)
        except BaseException as error:  # noqa: BLE001 - it is raised where the values are taken
            put(END, error)

    thread = threading.Thread(target=work, name="corenet reads ahead", daemon=True)
    thread.start()
    try:
        while True:
            value, error = ready.get()
            if error is not None:
                raise error
            if value is END:
                return
            yield value  # type: ignore[misc]  # it is no END
            del value  # its memory is free for the next
    finally:
        over.set()
        thread.join()
