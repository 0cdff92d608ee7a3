"""Processes of this machine that share out work with the one that started them, and end with it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from corenet.errors import ConfigError, RankError

# Not forked: torch has threads, and a copy of the process has their locks without them; it may hang.
_SPAWN = multiprocessing.get_context("spawn")


class SideBySide:
    """Calls of a function, each in a process of its own with one thread; those still at it end where this is left.

    ``work(*arguments)`` gives an iterator, and what it yields comes out of :meth:`found`. Ctrl-C is for the process
    that started the others: they do not hear it, and are ended by SIGTERM as it leaves.

    Raises:
        ConfigError: the work cannot be told to another process.

    >>> with SideBySide(range, [(2,), (3,)]) as processes:
    ...     sorted(processes.found())
    [0, 0, 1, 1, 2]
    """

    def __init__(self, work: Callable[..., Any], each: Sequence[tuple[Any, ...]]) -> None:
        _refuse_import()
        self._calls = [_told((work, arguments)) for arguments in each]
        self._processes: dict[Connection, SpawnProcess] = {}

    def __enter__(self) -> SideBySide:
        for call in self._calls:
            here, there = _SPAWN.Pipe()
            process = _SPAWN.Process(target=_child, args=(there, call), daemon=True)
            process.start()
            there.close()  # so that its end is seen here
            self._processes[here] = process
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.terminate()
        for connection, process in self._processes.items():
            process.join()
            connection.close()

    def found(self) -> Iterator[Any]:
        """Yield what they find, as it comes.

        Raises:
            RankError: one was killed, or ended before it was done.
            BaseException: what one of them raised.
        """
        for is_error, value in self._messages():
            if is_error:
                raise value
            yield value

    def faults(self) -> list[BaseException]:
        """Wait for all, and return what ended those that came to no end of their own."""
        return [value for is_error, value in self._messages() if is_error]

    def _messages(self) -> Iterator[tuple[bool, Any]]:
        left = dict(self._processes)
        while left:
            for connection in wait(list(left)):
                assert isinstance(connection, Connection)
                try:
                    kind, value = pickle.loads(connection.recv_bytes())  # noqa: S301 - our own process wrote it
                except (EOFError, OSError):
                    kind, value = "raised", RankError(_how_it_ended(left[connection]))
                if kind != "found":
                    del left[connection]
                if kind != "done":
                    yield kind == "raised", value


def _child(connection: Connection, call: bytes) -> None:
    import torch  # here, for who imports this file need not start any

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    try:
        work, arguments = _understood(call)
        for value in work(*arguments):
            connection.send_bytes(pickle.dumps(("found", value)))
        said: tuple[str, object] = ("done", None)
    except BaseException as error:  # noqa: BLE001 - told to the parent, by whatever it is
        said = ("raised", _tellable(error))
    connection.send_bytes(pickle.dumps(said))


def _tellable(error: BaseException) -> BaseException:
    """Return an error as another process can be told of it: some cannot be written, others not read again."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - written here
    except Exception:  # noqa: BLE001 - what its class does when it is made anew
        return RankError(f"a worker ended: {type(error).__name__}: {error!s:.300}")
    return error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _told(call: tuple[Callable[..., Any], tuple[Any, ...]]) -> bytes:
    try:
        return pickle.dumps(call)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"workers: another process cannot be told of it ({error!s:.200}); lambdas and functions within functions "
            "cannot: write one at the top of a file",
            name="workers",
        ) from error


def _understood(call: bytes) -> Any:
    try:
        return pickle.loads(call)  # noqa: S301 - our own process wrote it
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"workers: another process does not find it ({error!s:.200}); what is written in a notebook or at a prompt "
            "is known there alone: put it into a file and import it",
            name="workers",
        ) from error


def _refuse_import() -> None:
    """Refuse to start processes while a script is imported by one that it has started."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ConfigError(
            'workers: this script is run by each worker anew; put what starts them under if __name__ == "__main__":',
            name="workers",
        )


def _how_it_ended(process: SpawnProcess) -> str:
    process.join()
    code = process.exitcode or 0
    if code < 0:
        return f"a worker was ended by {signal.Signals(-code).name} before it was done; it may have run out of memory"
    return f"a worker ended with exit code {code} before it was done"
