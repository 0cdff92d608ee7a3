"""Points for a metric to be tried on, of the sort that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from corenet.testing.support.trial import Trial, seeded


class Points(NamedTuple):
    """What ``update`` is given."""

    output: Tensor
    target: Tensor

    def cut(self, sizes: Sequence[int]) -> list[Points]:
        """Return the points in pieces. A single loss is a mean: it is that of every piece."""
        targets = self.target.split(list(sizes))
        outputs = [self.output] * len(targets) if self.output.dim() == 0 else self.output.split(list(sizes))
        return [Points(*piece) for piece in zip(outputs, targets, strict=True)]


def points_for(trial: Trial, count: int, seed: int = 0) -> Points:
    """Return so many points for the metric of a trial, as its ``reads`` says; without ``classes`` there are two."""
    case, reads = trial.case, trial.build().reads
    shape = (count, *case.shape[1:]) if case.shape else (count,)
    if reads == "values":
        return Points(trial.input(shape, seed), trial.target(shape, seed))
    if reads == "losses":
        return Points(trial.input((), seed).abs(), trial.target((count,), seed))
    with seeded(trial.seed + seed):
        classes = torch.randint(case.classes or 2, (count,))
        predicted = torch.where(torch.rand(count) < 0.3, torch.randint(case.classes or 2, (count,)), classes)
        scores = torch.rand((count, case.classes) if case.classes else (count,), dtype=torch.float64)
    if case.classes is None:
        predicted, classes = predicted.bool(), classes.bool()
    return Points(predicted if reads == "classes" else scores, classes)
