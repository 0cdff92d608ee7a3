"""A process that has imported the grader once, and forks for each submission."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corenet.grading.isolation.apart import Answer, Task, run_apart
from corenet.grading.isolation.limits import Limits
from corenet.registry.doctor.worker import serve

if TYPE_CHECKING:
    from corenet.grading.assignment import Assignment

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def run_in_child() -> None:
    """Answer the requests of a class, each with what came of one submission.

    The libraries are held to one thread before they are imported: a process forks safely with one alone.
    """
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    sys.dont_write_bytecode = True
    import torch

    import corenet.grading.grade  # noqa: F401 - takes seconds to import, once for all submissions

    torch.set_num_threads(1)
    serve(_answer, memory=None)


@cache
def _assignment(folder: str) -> Assignment:
    """Return an assignment, whose layers are imported by then: a submission sees nothing of its folder."""
    from corenet.grading.assignment import read_assignment

    return read_assignment(Path(folder))


def _answer(request: list[Any]) -> dict[str, Any]:
    folder, path, hidden = request
    file = Path(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        return asdict(Answer(None, f"cannot be read: {error.strerror}"))
    return asdict(Graded(folder, file.name, content, hidden).answer())


class Graded:
    """A submission, graded apart; where one layer comes to no end, those after it are graded in another process."""

    def __init__(self, folder: str, name: str, content: bytes, hidden: Sequence[str]) -> None:
        self._folder, self._name, self._content, self._hidden = folder, name, content, hidden
        self._assignment = _assignment(folder)
        self._answers: list[Answer] = []
        self._layers: list[dict[str, Any]] = []
        self._faults: list[str] = []

    def answer(self) -> Answer:
        """Return what came of it; where a layer came to no end, ``fault`` says which, and why."""
        left = list(self._assignment.layers)
        while left:
            one = self._apart(left)
            if one.value is not None:
                self._layers += one.value["layers"]
                break
            self._layers += [part["done"] for part in one.parts if "done" in part]
            left = left[sum("done" in part for part in one.parts) :]
            blamed = one.parts[-1]["begun"] if one.parts and "begun" in one.parts[-1] else ""
            if not blamed and not self._layers:  # the file itself comes to no end
                return one
            self._lose(left[:1] if blamed else left, one.fault)
            left = left[1:] if blamed else []
        return one if one.value is not None and len(self._answers) == 1 else self._joined()

    def _apart(self, layers: Sequence[str]) -> Answer:
        """Return what came of some layers in a process of its own; after the first it may take half as long."""
        from corenet.grading.grade import grade_layers

        def work(tell: Callable[[Any], None]) -> Any:
            return grade_layers(self._assignment, Path(self._folder), Path(self._name), layers, tell).to_dict()

        seconds = self._assignment.seconds / (2 if self._answers else 1)
        limits = Limits(seconds, self._assignment.memory)
        answer = run_apart(Task(work, limits, {self._name: self._content}, self._hidden))
        self._answers.append(answer)
        return answer

    def _lose(self, layers: Sequence[str], fault: str) -> None:
        """Take layers as lost: all their checks are failed, and say why."""
        from corenet.grading.grade import all_lost

        self._layers += all_lost(self._assignment, self._name, fault, layers).to_dict()["layers"]
        self._faults.append(f"{', '.join(layers)}: {fault}")

    def _joined(self) -> Answer:
        points, out_of = (sum(layer[what] for layer in self._layers) for what in ("points", "out_of"))
        value = {"submission": self._name, "points": points, "out_of": out_of, "error": None, "layers": self._layers}
        refusals = tuple(dict.fromkeys(refusal for one in self._answers for refusal in one.refusals))
        seconds = sum(one.seconds for one in self._answers)
        return Answer(value, "; ".join(self._faults), (), refusals, self._answers[0].walls, seconds)
