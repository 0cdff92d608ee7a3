"""Each submission of a class graded in a process of its own, as many at once as there are processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import LifoQueue
from typing import Any

from corenet.errors import ConfigError
from corenet.grading.classroom.row import Row
from corenet.grading.classroom.submissions import Submission
from corenet.registry.doctor.worker import EndedError, Worker

AT_ONCE = 8  # each may take the memory of the assignment
LONGER = 600.0  # seconds without an answer after which a server is taken as lost; the limits are its own to keep
NOTHING = {"seconds": 0.0, "refusals": (), "walls": False}  # of a submission that was not run


def processors() -> int:
    """Return how many submissions are graded at once."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, AT_ONCE)


class Classroom:
    """Servers that grade the submissions of one assignment, each of them one after another.

    Args:
        assignment: the folder of the assignment.
        seconds: the processor time that a submission may take.
        out_of: the points of the assignment, of which a submission that cannot be graded has none.
        hidden: folders that a submission does not see.

    Raises:
        ConfigError: this system cannot fork a process.
    """

    def __init__(self, assignment: Path, seconds: float, out_of: float, hidden: Sequence[Path]) -> None:
        if not hasattr(os, "fork"):
            raise ConfigError("this system forks no process; run corenet grade on Linux, macOS or in WSL")
        self._assignment, self._seconds, self._out_of = assignment, seconds, out_of
        self._hidden = [str(each.resolve()) for each in hidden]
        self._servers = [Worker("corenet.grading.classroom.server") for _ in range(processors())]
        self._free: LifoQueue[Worker] = LifoQueue()
        for each in self._servers:
            self._free.put(each)

    def grade(self, submissions: Sequence[Submission], told: Callable[[Row], object]) -> list[Row]:
        """Return the row of each submission, in their order; ``told`` hears of each when it is there."""
        pool = ThreadPoolExecutor(len(self._servers))
        try:
            asked = [pool.submit(self._row, each) for each in submissions]
            for each in as_completed(asked):
                told(each.result())
            return [each.result() for each in asked]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self._stop()  # so that no thread waits for an answer
            pool.shutdown()
            self._stop()  # what a thread started meanwhile

    def _stop(self) -> None:
        for each in self._servers:
            each.stop()

    def _row(self, submission: Submission) -> Row:
        if submission.fault:
            return self._nothing(submission, submission.fault)
        request = [str(self._assignment.resolve()), str(submission.path.resolve()), self._hidden]
        server = self._free.get()
        try:
            answer: dict[str, Any] = server.ask(request, LONGER + 100 * self._seconds)
        except EndedError as ended:
            return self._nothing(submission, f"its grading {ended}")
        finally:
            self._free.put(server)
        if answer["value"] is None:
            return self._nothing(submission, answer["fault"], answer)
        try:
            return Row.of(submission.student, answer)
        except (KeyError, TypeError):  # only what a submission made of its judge can be no result
            return self._nothing(submission, "was answered with what is no result", answer)

    def _nothing(self, submission: Submission, error: str, answer: Mapping[str, Any] = NOTHING) -> Row:
        seconds, refusals, walls = answer["seconds"], tuple(answer["refusals"]), answer["walls"]
        return Row(submission.student, submission.file, 0.0, self._out_of, error, (), seconds, refusals, walls)
