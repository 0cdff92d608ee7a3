"""Short trainings of the student projects' network: the first of a process, and later ones, each of a fresh model."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.drawing import draw
from benchmarks.labels import label_of
from benchmarks.problem import Settings
from benchmarks.process import Process
from benchmarks.report import Report
from benchmarks.table import in_markdown

CONTESTANTS = ("torch_eager", "corenet_plain", "corenet_replay", "corenet_compiled", "corenet_fit")
STEPS = (10, 30, 100, 300, 1000, 3000, 10_000)
LATER = 5  # trainings after the first of a process
NOTE = (
    "Milliseconds of a whole training, processor time on one thread: medians over {processes} processes of each, which "
    "take turns. Libraries that were compiled before are at hand. The last two columns are PyTorch's later trainings "
    "over those of `auto`: its first in a process, and its later ones."
)
Times = dict[str, dict[int, tuple[list[float], list[float]]]]


def run(seconds: float, device: str) -> Report:
    """Let the contestants take turns, ``seconds`` / 4 processes of each (3 at least)."""
    processes = max(3, round(seconds / 4))
    times: Times = {name: {steps: ([], []) for steps in STEPS} for name in CONTESTANTS}
    with TemporaryDirectory() as folder:
        path = Path(folder, "problem.npz")
        settings = Settings(epochs=STEPS[-1] // 10, device=device)
        draw(settings).write(path)
        for turn in range(processes + 1):  # the first fills the folder of compiled libraries
            for steps in STEPS:
                for name in CONTESTANTS:
                    first, later = _trainings(name, path, steps // settings.steps, device)
                    if turn:
                        times[name][steps][0].append(first)
                        times[name][steps][1].extend(later)
    report = Report("short", "Short trainings", notes=[NOTE.format(processes=processes)], measured={"ms": times})
    report.notes += [_table(times, place, title) for place, title in enumerate(("First", "Later"))]
    report.notes.append(_ratios(times))
    return report


def _trainings(name: str, path: Path, epochs: int, device: str) -> tuple[float, list[float]]:
    """Return the milliseconds of the first training of a process, and of some later ones."""
    with Process(name, threads=1, device=device) as process:
        found = []
        for _ in range(1 + LATER):
            process.prepare(path)
            found.append(1e3 * process.run(epochs)["cpu"])
    return found[0], found[1:]


def _table(times: Times, place: int, title: str) -> str:
    rows = [[str(steps), *(f"{median(times[name][steps][place]):.1f}" for name in CONTESTANTS)] for steps in STEPS]
    return in_markdown([f"{title} in a process, steps", *(label_of(name) for name in CONTESTANTS)], rows)


def _ratios(times: Times) -> str:
    def ratio(steps: int, place: int) -> str:
        theirs, ours = times["torch_eager"][steps][1], times["corenet_fit"][steps][place]
        return f"{median(theirs) / median(ours):.2f}"

    return in_markdown(["steps", "first", "later"], [[str(steps), ratio(steps, 0), ratio(steps, 1)] for steps in STEPS])
