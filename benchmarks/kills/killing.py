"""Trainings in forked processes, killed and gone on with in others until they are over."""

from __future__ import annotations

import os
import random
import signal
import time
import warnings
from pathlib import Path

import torch

import corenet as cn

ENGINES = ("plain", "replay", "compiled")
LONGEST = 1.2  # seconds from its start to the end of a process
KEEP = 2


def train(folder: Path, engine: str) -> dict[str, torch.Tensor]:
    """Train a network, saved after each call of steps, and return its weights."""
    torch.manual_seed(0)
    middle = (cn.Linear(2, 25), cn.Tanh(), cn.Dropout(0.3), cn.Linear(25, 25), cn.ReLU())
    model = cn.Sequential(*middle, cn.Linear(25, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9, schedule=cn.CosineSchedule(4000))
    callbacks = [cn.EarlyStopping(patience=1000), cn.ReduceOnPlateau(patience=20)]
    data = {"train": cn.data.disk(205, seed=0), "valid": cn.data.disk(50, seed=1)}
    saved = {"checkpoint": folder, "every": "1 steps", "keep": KEEP}
    options = {"engine": engine, "callbacks": callbacks, "progress": False}
    cn.fit(model, cn.BCELoss(), optimizer, **data, epochs=12, batch_size=10, **saved, **options)
    return model.state_dict()


class Killing:
    """Kills trainings under ``root``, and notes what was wrong in their folders."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root, self._draw = root, random.Random(seed)
        self.kills = self.writing = self.trainings = self.before_the_first = 0
        self.faults: list[str] = []
        torch.set_num_threads(1)  # a forked process has no others
        self._whole = {engine: train(root / f"whole-{engine}", engine) for engine in ENGINES}

    def kill(self, count: int) -> None:
        """Kill ``count`` processes; a training that gets to its end is compared, and followed by another."""
        folder, engine, place = self._next()
        while self.kills < count:
            is_over = self._run_and_kill(folder, engine)
            if is_over:
                self._compare(folder, engine)
                folder, engine, place = self._next()
            else:
                self.kills += 1
                place = self._look(folder, place)

    def told(self) -> str:
        """Return what was found, in a few lines."""
        lines = [
            f"{self.kills} kills, {self.writing} of them while a checkpoint was written, "
            f"{self.before_the_first} before there was one",
            f"{self.trainings} trainings went on to their end and were compared bit for bit",
            f"{len(self.faults)} faults",
        ]
        return "\n".join(lines + self.faults)

    def _next(self) -> tuple[Path, str, str]:
        engine = self._draw.choice(ENGINES)
        return self._root / f"run-{self.trainings}", engine, ""

    def _run_and_kill(self, folder: Path, engine: str) -> bool:
        """Train in a process of its own, and kill it; tell whether it got to its end before."""
        child = os.fork()
        if child == 0:
            try:
                warnings.simplefilter("error")  # a checkpoint that is left out would be a warning
                torch.save(train(folder, engine), folder.with_suffix(".pt"))
                os._exit(0)
            except BaseException as error:  # noqa: BLE001 - told to the parent, by whatever it is
                folder.with_suffix(".error").write_text(f"{type(error).__name__}: {error}")
                os._exit(1)
        end = time.monotonic() + self._draw.uniform(0, LONGEST)
        while time.monotonic() < end:
            process, status = os.waitpid(child, os.WNOHANG)
            if process:
                if status:
                    self.faults.append(f"{folder.name}: {folder.with_suffix('.error').read_text()}")
                return True
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return False

    def _look(self, folder: Path, place: str) -> str:
        """Note what is wrong in the folder of a killed training; return its newest checkpoint."""
        found = sorted(folder.iterdir()) if folder.exists() else []
        checkpoints = [path for path in found if path.name.startswith("checkpoint-")]
        partial = [path for path in found if path not in checkpoints]
        self.writing += bool(partial)
        self.before_the_first += not checkpoints
        if len(partial) > 1 or len(checkpoints) > KEEP + 1:
            self.faults.append(f"{folder.name}: leftovers {[path.name for path in found]}")
        for path in checkpoints:
            try:
                cn.load(path)
            except cn.CorenetError as error:
                self.faults.append(f"{folder.name}: {error}")
        newest = checkpoints[-1].name if checkpoints else ""
        if newest < place:
            self.faults.append(f"{folder.name}: {place} was there, and is not any more")
        return newest

    def _compare(self, folder: Path, engine: str) -> None:
        """Note where a training that was killed came to other weights, or left anything."""
        self.trainings += 1
        if not folder.with_suffix(".pt").exists():
            return  # it ended by an error, which is noted
        weights = torch.load(folder.with_suffix(".pt"), weights_only=True)
        if not all(torch.equal(weights[name], each) for name, each in self._whole[engine].items()):
            self.faults.append(f"{folder.name}: {engine} came to other weights than without a stop")
        if left := [path.name for path in folder.iterdir() if not path.name.startswith("checkpoint-")]:
            self.faults.append(f"{folder.name}: left {left}")
