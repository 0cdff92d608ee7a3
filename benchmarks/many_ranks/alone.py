"""What one rank takes for the step of a network, by the number of its rows."""

from __future__ import annotations

import torch

import corenet as cn
from benchmarks.many_ranks.model import Steps
from benchmarks.ranks import Work

TIMES = 5  # as many epochs as where ranks are measured


def steps_of(work: Work) -> Steps:
    """Measure steps on a quarter of its batch and on all of it."""
    few, more = work.batch // 4, work.batch
    return Steps.between((few, _seconds(work, few)), (more, _seconds(work, more)))


def numbers_of(work: Work) -> int:
    """Return how many numbers its network has."""
    return sum(parameter.numel() for parameter in work.model().parameters())


def _seconds(work: Work, rows: int) -> float:
    """Return what a step takes in the quickest of some epochs."""
    model, generator = work.model(), torch.Generator().manual_seed(1)
    inputs = torch.randn(work.rows, work.widths[0], generator=generator)
    data = cn.data.Dataset(inputs, torch.randn(work.rows, work.widths[-1], generator=generator))
    optimizer = cn.SGD(model.parameters(), lr=0.001, momentum=0.9)
    history = cn.fit(model, cn.MSELoss(), optimizer, data, epochs=TIMES * work.epochs, batch_size=rows, progress=False)
    return min(epoch.seconds for epoch in history[work.epochs :]) / -(-work.rows // rows)
