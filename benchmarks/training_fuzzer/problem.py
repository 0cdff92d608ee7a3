"""What is trained, drawn from a seed: a model, a loss, an optimizer, data, and what somebody changes meanwhile."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch

from benchmarks.training_fuzzer.code import IN_CODE
from benchmarks.training_fuzzer.components import LOSSES, MODULES
from benchmarks.training_fuzzer.counting import COUNTING
from benchmarks.training_fuzzer.held import HELD
from benchmarks.training_fuzzer.looking import DRAWING_OR_LOOKING
from benchmarks.training_fuzzer.named import NAMED
from benchmarks.training_fuzzer.rules import RULES
from benchmarks.training_fuzzer.strange import USES

ENGINES = ("replay", "compiled", "auto", "step")
DATA = ("Plain",) * 4 + ("Augments", "Counts", "Anneals")
OF_OPTIMIZER = ("steps", "current_lr", "shared")  # what a module reads of the optimizer, if it holds it
STILL, MOVING = HELD | NAMED | IN_CODE, COUNTING | DRAWING_OR_LOOKING
ALL = STILL | MOVING
WHATS = ("strange",) * 6 + ("p", "lr", "weights", "buffers", "targets", "inputs", "loss", "rule", "mode", "reset")


@dataclass(frozen=True)
class Change:
    """Somebody sets ``what`` to ``value``: in fit ``fit``, before it or after one of its epochs."""

    fit: int
    epoch: int
    what: str
    which: int
    value: float


@dataclass(frozen=True)
class Problem:
    """One training, or several in a row; ``seed`` makes it again."""

    seed: int
    engine: str
    compiles: bool
    dtype: torch.dtype
    width: int
    points: int
    batch_size: int
    layers: tuple[tuple[str, int], ...]
    loss: str
    rule: str
    lr: float
    data: str
    valid: bool
    epochs: tuple[int, ...]
    renewed: tuple[bool, ...]
    changes: tuple[Change, ...]
    late: int


def drawn(seed: int, compiling: float = 0.0, kind: str = "") -> Problem:
    """Return what ``seed`` draws; ``compiling`` is the part of trainings that may compile."""
    chance = random.Random(seed)
    engine = chance.choice(ENGINES)
    compiles = chance.random() < compiling
    if engine == "compiled" and not compiles:
        engine = "replay"
    epochs = tuple(chance.choice((1, 2, 3, 6)) for _ in range(chance.choice((1, 1, 2, 3))))
    if engine == "auto":
        epochs = tuple(8 * each for each in epochs)
    layers = tuple(_layer(chance) for _ in range(chance.choice((1, 1, 2, 3))))
    if kind:
        layers = ((kind, chance.randrange(len(USES))), *layers[1:])
    return Problem(
        seed=seed,
        engine=engine,
        compiles=compiles,
        dtype=chance.choice((torch.float64, torch.float64, torch.float64, torch.float32)),
        width=chance.choice((3, 4)),
        points=chance.choice((24, 40, 43)),
        batch_size=chance.choice((4, 8)),
        layers=layers,
        loss=chance.choice(["MSELoss"] * 8 + [*LOSSES]),
        rule=chance.choice(["SGD", "momentum", "decay"] * 6 + RULES),
        lr=chance.choice((0.02, 0.1)),
        data=chance.choice(DATA),
        valid=chance.random() < 0.2,
        epochs=epochs,
        renewed=tuple(place > 0 and chance.random() < 0.3 for place in range(len(epochs))),
        changes=tuple(_change(chance, epochs) for _ in range(chance.choice((0, 1, 2, 4)))),
        late=chance.choice((6, 14, 40)),
    )


def _layer(chance: random.Random) -> tuple[str, int]:
    names = chance.choice(([*STILL], [*MOVING], [*MODULES, "Normalizes", "Residual"], [*STILL], [*OF_OPTIMIZER]))
    return chance.choice(names), chance.randrange(len(USES))


def _change(chance: random.Random, epochs: tuple[int, ...]) -> Change:
    fit = chance.randrange(len(epochs))
    what = chance.choice(WHATS)
    return Change(fit, chance.randrange(epochs[fit]), what, chance.randrange(3), chance.choice((0.5, 1.5)))
