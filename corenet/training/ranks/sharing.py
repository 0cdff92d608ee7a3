"""Whether the ranks' parts of a batch add up to its step, tried on a copy before the training begins."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from corenet.contracts.loss import averages
from corenet.contracts.parameter import gradient
from corenet.contracts.several import Tensors, count, rows
from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.training.engines.additivity import what_does_not_add_up
from corenet.training.engines.optimizer_adapter import trained
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.rng_state import python_rng_checkpoint, rng_checkpoint
from corenet.training.learner import Learner
from corenet.training.ranks.row_draws import Draw, Noting, drawing_for, draws_between

Found = TypeVar("Found")
POINTS = 1024  # to try it on, at most: where a model does otherwise with many rows, so it should here


def refuse_too_many(ranks: int, train: Dataset, batch_size: int) -> None:
    """Refuse more ranks than rows to share out.

    Raises:
        ConfigError: some would never have a row.
    """
    least = min(batch_size, len(train))
    if ranks > least:
        raise ConfigError(
            f"distributed: {ranks} ranks cannot share batches of {least} points; start fewer, or raise batch_size",
            name="distributed",
            value=ranks,
        )


def refuse_what_does_not_add_up(learner: Learner, train: Dataset, batch_size: int) -> None:
    """Refuse a training of which the parts of a batch do not add up to its step, or that cannot be repeated.

    Raises:
        ConfigError: so it is.
    """
    _refuse_other_steps(learner, train, batch_size)
    _tried(_refuse_other_generators, learner, train, batch_size)


def draws_of(learner: Learner, train: Dataset, batch_size: int) -> list[Draw]:
    """Return how a step draws random numbers, nothing if it draws none.

    Raises:
        ConfigError: the parts of a batch would not add up to its step.
    """
    _refuse_other_steps(learner, train, batch_size)
    return _tried(_draws, learner, train, batch_size)


def _refuse_other_steps(learner: Learner, train: Dataset, batch_size: int) -> None:
    if not hasattr(learner.loss, "reduction"):
        raise _refusal(f"{learner.loss!r} has no reduction, so it is not known how its parts add up")
    culprit = what_does_not_add_up(learner, train, batch_size, POINTS)
    if culprit is not None:
        raise _refusal(f"{culprit}, so the ranks would take another step than one process")


def _tried(
    function: Callable[[Learner, Tensors, Tensors], Found], learner: Learner, train: Dataset, batch_size: int
) -> Found:
    """Call a function with a copy of a learner and some rows, and let all random numbers be those of before."""
    size = min(batch_size, len(train), POINTS)
    rewinds = rng_checkpoint(), python_rng_checkpoint()
    try:
        return function(copy.deepcopy(learner), rows(train.inputs, slice(size)), rows(train.targets, slice(size)))
    finally:
        for rewind in rewinds:
            rewind()


def _refusal(why: str) -> ConfigError:
    return ConfigError(f"distributed: {why}; train it by one process", name="distributed")


def _draws(learner: Learner, input: Tensors, target: Tensors) -> list[Draw]:
    size = count(input)
    half = slice(0, (size + 1) // 2)
    few, more = _noted(learner, rows(input, half), rows(target, half)), _noted(learner, input, target)
    draws = draws_between(few, more, (half.stop, size))
    _refuse_other_generators(learner, input, target)
    rewind = rng_checkpoint()

    def step(part: slice) -> list[Tensor]:
        rewind()
        return _part(learner, input, target, part, draws)

    whole = step(slice(0, size))
    state = torch.get_rng_state()
    if draws and half.stop < size:  # a single row has no parts
        parts = [step(half), step(slice(half.stop, size))]
        added = [one + other for one, other in zip(*parts, strict=True)]
        if not agree(added, whole) or not torch.equal(torch.get_rng_state(), state):
            raise _refusal("the model draws random numbers that do not belong to the rows of its batch")
    return draws


def _refuse_other_generators(learner: Learner, input: Tensors, target: Tensors) -> None:
    rewind = rng_checkpoint()
    whole = _part(learner, input, target, slice(0, count(input)), ())
    rewind()
    if not all(map(torch.equal, whole, _part(learner, input, target, slice(0, count(input)), ()))):
        raise _refusal("the model draws random numbers by another generator than torch's")
    rewind()


def _noted(learner: Learner, input: Tensors, target: Tensors) -> list[tuple[int, ...]]:
    with Noting() as noting:
        learner.gradients(input, target)
    shapes: list[tuple[int, ...]] = noting.shapes
    return shapes


def _part(learner: Learner, input: Tensors, target: Tensors, part: slice, draws: Sequence[Draw]) -> list[Tensor]:
    """Return the share in loss and gradients of some rows."""
    with drawing_for(draws, part, count(input)):
        value = learner.gradients(rows(input, part), rows(target, part))
    share = (part.stop - part.start) / count(input) if averages(learner.loss) else 1.0
    found = [value.sum(), *(gradient(each).clone() for each in trained(learner.optimizer))]
    return [share * each for each in found]
