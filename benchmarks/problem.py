"""What every contestant is given: the same data, the same first weights, the same order of the batches.

Everything has a leading dimension of rounds, 1 unless many networks are trained at once.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Settings:
    """What a problem is made of, and who may use how much of the machine for it."""

    widths: tuple[int, ...] = (2, 25, 25, 25, 1)
    batch_size: int = 100
    points: int = 1000
    epochs: int = 100  # at most, in one go
    rounds: int = 1
    optimizer: str = "sgd"
    lr: float = 0.05
    momentum: float = 0.9
    threads: int = 1
    device: str = "cpu"
    dtype: str = "float32"
    tolerance: float = 1e-5  # of the largest weight after the first steps; many ReLUs turn more of them the other way

    @property
    def steps(self) -> int:
        """The number of steps of one epoch."""
        return -(-self.points // self.batch_size)

    @property
    def name(self) -> str:
        network = "-".join(map(str, self.widths))
        rounds = f", {self.rounds} rounds" if self.rounds > 1 else ""
        return f"{network}, batch {self.batch_size} of {self.points}, {self.optimizer}{rounds}"


@dataclass(frozen=True)
class Problem:
    """``inputs (n, i)``, ``targets (n, o)``, ``orders (rounds, epochs, n)`` and each layer's first weights.

    A layer has ``weight (rounds, out, in)`` and ``bias (rounds, out)``; between two layers is a ReLU.
    """

    settings: Settings
    inputs: np.ndarray
    targets: np.ndarray
    orders: np.ndarray
    weights: list[np.ndarray] = field(default_factory=list)  # weight, bias, weight, bias, ...

    def write(self, path: Path) -> None:
        arrays = {f"weights{index}": value for index, value in enumerate(self.weights)}
        settings = np.array(json.dumps(asdict(self.settings)))
        np.savez(path, settings=settings, inputs=self.inputs, targets=self.targets, orders=self.orders, **arrays)

    @staticmethod
    def read(path: Path, **changes: object) -> Problem:
        """Return the problem in ``path``, with ``changes`` to its settings, in the settings' dtype."""
        with np.load(path) as file:
            settings = Settings(**json.loads(file["settings"].item()) | changes)
            settings = replace(settings, widths=tuple(settings.widths))  # JSON has no tuples
            count = sum(name.startswith("weights") for name in file)
            weights = [file[f"weights{index}"].astype(settings.dtype) for index in range(count)]
            inputs, targets = (file[name].astype(settings.dtype) for name in ("inputs", "targets"))
            return Problem(settings, inputs, targets, file["orders"], weights)

    def first(self, round: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (weight, bias) of each layer of one round."""
        arrays = [value[round] for value in self.weights]
        return list(zip(arrays[::2], arrays[1::2], strict=True))
