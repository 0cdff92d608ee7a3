"""What is measured, shared out: each rank computes the outputs of its rows, and all have those of all rows."""

from __future__ import annotations

import copy
from typing import Any

import torch

from corenet.contracts.evaluating import evaluating
from corenet.contracts.module import Module
from corenet.contracts.several import Tensors, count, each_of, like, rows
from corenet.training.computing import Compute, at_once
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.restore import restored
from corenet.training.ranks.sharing import POINTS
from corenet.training.ranks.world import World


def computing_of(world: World, model: Module, inputs: Tensors) -> Compute:
    """Return how ranks compute outputs: shared out if those of rows are the rows of those of all, else at once in each.

    It is tried on some ``inputs`` and a copy of the model, and shared out if that holds in every rank.
    """
    held = goes_by_rows(model, rows(inputs, slice(POINTS)))
    return SharedOut(world) if all(world.gathered("yes" if held else "")) else at_once


class SharedOut:
    """Computes outputs by all ranks, each of which is given the same inputs at the same time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, model: Module, inputs: Tensors) -> Any:
        """Return the outputs of all inputs, of which this rank computes its part.

        A rank that is left with no row computes the first, and gives none of it.
        """
        part = self._world.part(count(inputs))
        own = at_once(model, rows(inputs, part if part.stop > part.start else slice(0, 1)))
        kept = slice(part.stop - part.start)
        return like(own, tuple(torch.cat(self._world.rows_of_all(each[kept])) for each in each_of(own)))


def goes_by_rows(model: Module, inputs: Tensors) -> bool:
    """Tell whether, in evaluation mode, the outputs of some rows are those rows of the outputs of all.

    >>> import corenet as cn
    >>> goes_by_rows(cn.ReLU(), torch.randn(5, 2))
    True
    """
    points, model = count(inputs), copy.deepcopy(model)
    half = (points + 1) // 2
    try:
        with evaluating(model), restored(()):
            whole, one, other = (
                each_of(at_once(model, rows(inputs, part)))
                for part in (slice(points), slice(half), slice(half, points))
            )
            is_by_rows = all(len(each) == half for each in one) and all(len(each) == points - half for each in other)
            return is_by_rows and agree([torch.cat(each) for each in zip(one, other, strict=True)], whole)
    except Exception:  # noqa: BLE001 - whatever is wrong with a model is raised where it is measured
        return False
