"""What is drawn: a component, a shape, a scale, and numbers near the edges of the domain."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

import corenet as cn
from benchmarks.gradcheck_survey import losses, pointwise, rows, weighted
from benchmarks.gradcheck_survey.subject import Subject

BUILT_IN = {
    "ReLU": Subject(lambda _: cn.ReLU()),
    "Tanh": Subject(lambda _: cn.Tanh(), edges=(0.0, 19.0)),
    "Sigmoid": Subject(lambda _: cn.Sigmoid(), edges=(0.0, 37.0)),
    "Linear": Subject(lambda width: cn.Linear(width, 3)),
    "Dropout": Subject(lambda _: cn.Dropout(0.4)),
}
SUBJECTS = BUILT_IN | pointwise.SUBJECTS | rows.SUBJECTS | weighted.SUBJECTS | losses.SUBJECTS


@dataclass(frozen=True)
class Draw:
    """One component with its inputs; ``seed`` makes it again."""

    seed: int
    name: str
    component: cn.Module | cn.Loss
    inputs: tuple[Tensor, ...]


def drawn(seed: int, name: str = "") -> Draw:
    """Return what ``seed`` draws, of the component of that name if there is one given."""
    chance = random.Random(seed)
    chosen = name or chance.choice(sorted(SUBJECTS))
    subject = SUBJECTS[chosen]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        shape = subject.shape(chance.randint(1, 5), chance.randint(1, 6))
        component = subject.build(shape[-1])
        input = _numbers(chance, shape, subject.domain, subject.edges)
        if isinstance(component, cn.Module):
            return Draw(seed, chosen, component, (input,))
        if subject.classes:
            return Draw(seed, chosen, component, (input, torch.randint(shape[1], shape[:1])))
        target = _numbers(chance, shape, subject.target, (0.0,))
        return Draw(seed, chosen, component, (input, target))


def _numbers(
    chance: random.Random, shape: tuple[int, ...], domain: tuple[float, float], edges: tuple[float, ...]
) -> Tensor:
    """Return normal numbers of one scale, or of many, or near an edge, or some of each, and at times with zeros."""
    low, high = domain
    scale = 10 ** chance.uniform(-12, 12)
    wide = torch.randn(shape, dtype=torch.float64) * min(scale, (high - low) / 2)
    apart = torch.randn(shape, dtype=torch.float64) * 10 ** (24 * torch.rand(shape, dtype=torch.float64) - 12)
    distance = 10 ** (-13 * torch.rand(shape, dtype=torch.float64))
    sign = torch.randint(2, shape) * 2 - 1
    close = chance.choice(edges) + sign * distance
    usual = torch.rand(shape, dtype=torch.float64) * (min(high, 3) - max(low, -3)) + max(low, -3)
    found = chance.choice([wide, usual, close, apart, torch.where(torch.rand(shape) < 0.5, usual, close)])
    if low <= 0 <= high and chance.random() < 0.15:
        found = found * (torch.rand(shape) < 0.7)
    if chance.random() < 0.1:
        found = found[..., :1].expand(shape).clone()
    return _within(found, low, high)


def _within(found: Tensor, low: float, high: float) -> Tensor:
    """Return numbers as they are if they are in the domain, mirrored into it if they are not."""
    mirrored = torch.where(found < low, low + (low - found).clamp(max=(high - low) / 2), found)
    return mirrored.clamp(low, high)
