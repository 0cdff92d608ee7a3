"""All contestants on one problem: the same result first, then the time, in turns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.drawing import draw
from benchmarks.problem import Settings
from benchmarks.process import ContestantError, MissingLibraryError, Process
from benchmarks.reference import ParityError, Reference, error_between, reference, refuse
from benchmarks.row import Row

# Of the largest weight, after a chunk more than the first steps: a rounding that turns one ReLU the other
# way parts two right trainings by some 5e-3.
LATER = 5e-2
CHUNKS = 3  # at least, of each contestant


@dataclass(frozen=True)
class Survey:
    """How to race at many sizes in little time: by short turns, where a wrong contestant is a row that says so.

    ``long`` are those whose turns have all epochs, because they choose an engine by the length.
    """

    long: Collection[str] = ()

    def turn(self, contestant: str, settings: Settings, expected: Reference) -> int:
        return settings.epochs if contestant in self.long else expected.chunk


def race(settings: Settings, contestants: Sequence[str], seconds: float, survey: Survey | None = None) -> list[Row]:
    """Return a row for each contestant, after about ``seconds`` of turns.

    Raises:
        ParityError: the weights of one are not those of torch.nn in float64, and this is no survey.
    """
    problem = draw(settings)
    absent: tuple[type[Exception], ...] = (MissingLibraryError, ContestantError)
    if survey is not None:
        absent += (ParityError,)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder, "problem.npz")
        problem.write(path)
        expected = reference(problem, path)
        rows = [Row(name, settings.name, threads=settings.threads) for name in contestants]
        running = []
        for row in rows:
            turn = expected.turn if survey is None else survey.turn(row.contestant, settings, expected)
            try:
                process = stack.enter_context(Process(row.contestant, settings.threads, settings.device))
                check(process, settings, path, expected, row)
                if turn != expected.chunk:
                    process.run(turn)  # what the first training of this length costs is not a step's
                running.append((process, row, turn))
            except absent as error:
                row.skipped = str(error)
        take_turns(running, settings, seconds, only_steps=survey is not None)
        for process, row, _ in running:
            row.peak_bytes = process.memory()["peak"]
    return rows


def check(process: Process, settings: Settings, path: Path, expected: Reference, row: Row) -> None:
    """Time the first steps, and hold the weights after them, and after the first chunk, against the reference."""
    process.prepare(path)
    row.import_seconds = process.import_seconds
    reply = process.check(expected.epochs)
    row.first_seconds = reply["wall"]
    row.first_steps = expected.epochs * settings.steps * reply.get("rounds", 1)
    row.error = error_between(process.weights(path.with_name("weights.npz")), expected.first)
    refuse(row.error, settings.tolerance, row.contestant, row.problem, row.first_steps)
    if process.run(expected.chunk).get("own_order"):
        return
    row.later_error = error_between(process.weights(path.with_name("weights.npz")), expected.after)
    refuse(row.later_error, LATER, row.contestant, row.problem, row.first_steps + expected.chunk * settings.steps)


def take_turns(
    running: Sequence[tuple[Process, Row, int]], settings: Settings, seconds: float, *, only_steps: bool = False
) -> None:
    """Let each train its epochs, one after the other, again and again, and note the seconds of a step."""
    end = perf_counter() + seconds
    chunks = 0
    while running and (chunks < CHUNKS or perf_counter() < end):
        for process, row, epochs in running:
            measure(process, row, settings, epochs, only_steps=only_steps)
        chunks += 1


def measure(process: Process, row: Row, settings: Settings, epochs: int, *, only_steps: bool = False) -> None:
    reply = process.run(epochs)
    steps = epochs * settings.steps * reply.get("rounds", 1)
    wall = _of_steps(reply) if only_steps else reply["wall"]
    row.wall.append(wall / steps)
    row.cpu.append(min(reply["cpu"], settings.threads * wall) / steps)
    row.engine = reply.get("engine")


def _of_steps(reply: dict[str, Any]) -> float:
    """Return the seconds of a training as if each epoch took as long as the middle one, where epochs were told."""
    epochs = reply.get("epochs")
    return float(len(epochs) * median_low(epochs) if epochs else reply["wall"])
