"""A search of many workers, some of them killed: ``python -m benchmarks.sweep_kills``.

8 workers, on a journal file and on a PostgreSQL server of its own, are to do 200 trials together. 3 are killed by
SIGKILL while they are at a trial, at moments drawn at random; one is told to stop by SIGTERM, and one joins late. Then
it is counted what became of each trial that was begun.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from benchmarks.postgresql import server
from corenet.machine import machine
from corenet.search.accounts import AGAIN, WITHDRAWN, counted, lost
from corenet.search.space import space
from corenet.search.sweep import Search
from corenet.search.trial import Objective
from corenet.search.workers import WORKER

LINE = """
data = { draw = "sine", points = 40 }
network = { modules = [["linear", 1, 8], ["tanh"], ["linear", 8, 1]] }
loss = "mse"
epochs = 1000
batch_size = 20
optimizer = { name = "sgd", lr = 0.1 }
"""
PARAM = "optimizer.lr=log:1e-4:1e-1"


class Sweep:
    """Workers in processes of their own, on one storage."""

    def __init__(self, folder: Path, storage: str, trials: int) -> None:
        folder.mkdir()
        (folder / "line.toml").write_text(LINE, encoding="utf-8")
        self._folder, self._trials = folder, trials
        self._search = Search(Objective(str(folder / "line.toml"), (), space([PARAM]), "loss"), storage, "line", trials)
        self._study = self._search.study()
        self.workers: list[subprocess.Popen[bytes]] = []

    def join(self) -> None:
        """Start a worker."""
        line = str(self._folder / "line.toml")
        command = [sys.executable, "-m", "corenet", "sweep", line, "--param", PARAM, "--trials", str(self._trials)]
        command += [
            "--storage",
            self._search.storage,
            "--out",
            str(self._folder / f"out{len(self.workers)}"),
            "--quiet",
        ]
        log = open(self._folder / f"{len(self.workers)}.log", "wb")  # noqa: SIM115 - the process writes to it
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.workers.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        log.close()

    def when(self, done: int) -> None:
        """Wait until so many trials are done."""
        while len(counted(self.trials())) < done:
            time.sleep(0.02)

    def at_a_trial(self, process: int) -> None:
        """Wait until a worker is at a trial and has drawn its values, so that there is something to lose."""
        mine = f":{process}:"
        while not any(
            each.state is TrialState.RUNNING and each.params and mine in each.user_attrs.get(WORKER, "")
            for each in self.trials()
        ):
            time.sleep(0.005)

    def trials(self) -> list[FrozenTrial]:
        """Return all trials."""
        return self._study.get_trials(deepcopy=False)


def accounted(sweep: Sweep, wanted: int) -> list[str]:
    """Return what became of the trials, in a few lines; the last says whether that is as it should be."""
    trials = sweep.trials()
    done = counted(trials)
    left = [each for each in trials if each.state is TrialState.FAIL and WITHDRAWN not in each.user_attrs]
    again = Counter(each.user_attrs[AGAIN] for each in done if AGAIN in each.user_attrs)
    begun = {each.number for each in left if each.params and AGAIN not in each.user_attrs}
    is_right = (
        len(done) == wanted
        and len({tuple(each.params.items()) for each in done}) == wanted
        and set(again) == begun
        and set(again.values()) <= {1}
        and not lost(trials)
        and not [each for each in trials if each.state in (TrialState.RUNNING, TrialState.WAITING)]
    )
    withdrawn = sum(WITHDRAWN in each.user_attrs for each in trials)
    return [
        f"  {len(trials)} begun: {len(done)} count, {len(left)} were left by those who are gone, {withdrawn} withdrew",
        f"  {len(begun)} of those left had values, and {len(again)} were done again, each once",
        "  all accounted for" if is_right else "  WRONG",
    ]


def race(folder: Path, storage: str, asked: argparse.Namespace, draw: random.Random) -> bool:
    """Let workers do a search, kill some, and tell what came of it."""
    started = time.monotonic()
    sweep = Sweep(folder, storage, asked.trials)
    for _ in range(asked.workers):
        sweep.join()
    first = list(sweep.workers)
    middle = range(asked.trials // 5, asked.trials * 4 // 5)
    for number, done in enumerate(sorted(draw.sample(middle, asked.kills))):
        sweep.when(done)
        sweep.at_a_trial(first[number].pid)
        time.sleep(draw.uniform(0, 0.05))
        first[number].kill()
    sweep.join()
    first[asked.kills].send_signal(signal.SIGTERM)
    codes = Counter(worker.wait() for worker in sweep.workers)
    found = accounted(sweep, asked.trials)
    ends = ", ".join(f"{count} by {code}" for code, count in sorted(codes.items()))
    print(f"{asked.workers} workers and one that joined, {time.monotonic() - started:.0f} s; exit codes: {ends}")
    print("\n".join(found), flush=True)
    return "WRONG" not in found[-1] and set(codes) <= {0, -signal.SIGKILL, 128 + signal.SIGTERM}


def main() -> int:
    """Kill workers on both storages; 1 if a trial was lost or counted twice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--storage", choices=("journal", "postgresql"), action="append", help="by default both")
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    draw, right = random.Random(asked.seed), []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for kind in asked.storage or ("journal", "postgresql"):
            kept = str(folder / "journal.log") if kind == "journal" else stack.enter_context(server()).url("kills")
            print(f"{kind}: ", end="", flush=True)
            right.append(race(folder / kind, kept, asked, draw))
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}")
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
