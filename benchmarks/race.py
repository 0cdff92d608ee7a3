"""All contestants on one problem: the same result first, then the time, in turns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.drawing import draw
from benchmarks.problem import Settings
from benchmarks.process import ContestantError, MissingLibraryError, Process
from benchmarks.reference import Reference, error_between, reference, refuse
from benchmarks.row import Row

# Of the largest weight, after a chunk more than the first steps: a rounding that turns one ReLU the other
# way parts two right trainings by some 5e-3.
LATER = 5e-2
CHUNKS = 3  # at least, of each contestant


def race(settings: Settings, contestants: Sequence[str], seconds: float) -> list[Row]:
    """Return a row for each contestant, after about ``seconds`` of turns.

    Raises:
        ParityError: the weights of one are not those of torch.nn in float64.
    """
    problem = draw(settings)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder, "problem.npz")
        problem.write(path)
        expected = reference(problem, path)
        rows = [Row(name, settings.name, threads=settings.threads) for name in contestants]
        running = []
        for row in rows:
            try:
                process = stack.enter_context(Process(row.contestant, settings.threads, settings.device))
                check(process, settings, path, expected, row)
                process.run(expected.turn)  # what the first training of this length costs is not a step's
                running.append((process, row))
            except (MissingLibraryError, ContestantError) as error:
                row.skipped = str(error)
        take_turns(running, settings, expected.turn, seconds)
        for process, row in running:
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


def take_turns(running: Sequence[tuple[Process, Row]], settings: Settings, epochs: int, seconds: float) -> None:
    """Let each train a chunk, one after the other, again and again, and note the seconds of a step."""
    end = perf_counter() + seconds
    chunks = 0
    while running and (chunks < CHUNKS or perf_counter() < end):
        for process, row in running:
            measure(process, row, settings, epochs)
        chunks += 1


def measure(process: Process, row: Row, settings: Settings, epochs: int) -> None:
    reply = process.run(epochs)
    steps = epochs * settings.steps * reply.get("rounds", 1)
    row.wall.append(reply["wall"] / steps)
    row.cpu.append(reply["cpu"] / steps)
    row.engine = reply.get("engine")
