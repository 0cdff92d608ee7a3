"""What the weights must be: torch.nn, autograd and torch.optim in float64 on the same problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.problem import Problem, Settings
from benchmarks.process import Process

CHECKED_STEPS = 20
CHECKED_EPOCHS = 100  # more, of which the weights are compared: the longer, the further do two right trainings part
TURN_SECONDS = 20.0  # what a turn, which is timed, should last with PyTorch at most


class ParityError(Exception):
    """A contestant trained another network than the reference."""


@dataclass(frozen=True)
class Reference:
    """The weights after the first epochs, and after a chunk more; ``chunk`` and ``turn``, the same for all, in epochs.

    Where many rounds are trained, each call trains them from the beginning.
    """

    epochs: int
    first: list[np.ndarray]
    chunk: int
    after: list[np.ndarray]
    turn: int


def reference(problem: Problem, path: Path) -> Reference:
    settings = problem.settings
    name = "torch_sequential" if settings.rounds > 1 else "torch_eager"
    epochs = min(settings.epochs, -(-CHECKED_STEPS // settings.steps))
    with Process(name, settings.threads) as process:
        process.prepare(path, dtype="float64", device="cpu")
        seconds = process.check(epochs)["wall"] / epochs
        first = process.weights(path.with_name("first.npz"))
        chunk = min(_turn(settings, seconds), CHECKED_EPOCHS)
        seconds = process.check(chunk)["wall"] / chunk  # the first epochs were those that start everything
        turn = max(chunk, _turn(settings, seconds))
        return Reference(epochs, first, chunk, process.weights(path.with_name("after.npz")), turn)


def _turn(settings: Settings, epoch_seconds: float) -> int:
    """Return how many epochs to train in a turn; many rounds are trained from the beginning, so all of them."""
    return settings.epochs if settings.rounds > 1 else max(1, min(settings.epochs, round(TURN_SECONDS / epoch_seconds)))


def error_between(weights: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """Return the largest difference as a part of the largest weight of its layer, over the rounds that both have.

    >>> error_between([np.array([[1.0, 2.2]])], [np.array([[1.0, 2.0], [5.0, 5.0]])])
    0.1
    """
    worst = 0.0
    for place, (found, right) in enumerate(zip(weights, expected, strict=True)):
        rounds = min(len(found), len(right))
        difference = np.abs(found[:rounds].astype(np.float64) - right[:rounds]).max()
        layer = expected[place // 2 * 2 :][:2]  # weight and bias: one bias by itself may be next to nothing
        worst = max(worst, difference / max(np.abs(each[:rounds]).max() for each in layer))
    return round(float(worst), 12)


def refuse(error: float, tolerance: float, contestant: str, problem: str, steps: int) -> None:
    """Raise ParityError unless ``error`` is within ``tolerance``; not a number is not."""
    if not error <= tolerance:
        raise ParityError(
            f"{contestant} on {problem}: its weights after {steps} steps differ from those of torch.nn in float64 "
            f"by {error:.1e} of the largest, more than {tolerance:.0e}; nothing was timed"
        )
