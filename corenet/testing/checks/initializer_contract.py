"""What every initializer promises: it fills the tensor that it is given, all of it, by torch's generator."""

from __future__ import annotations

import math
from contextlib import suppress

import torch
from torch import Tensor

from corenet.errors import ConfigError, ShapeError
from corenet.testing.checks.check import Checks
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

INITIALIZER_CONTRACT_CHECKS = Checks("initializer")
SHAPES = ((5, 3), (4, 4), (1, 7), (4, 3, 2, 2), (6,))
DTYPES = (torch.float64, torch.float32, torch.bfloat16)
OURS = "draw from torch's generator and no other: weight.normal_(…), weight.uniform_(…), torch.rand(…)"


@INITIALIZER_CONTRACT_CHECKS.add(since="0.2", after=())
def runs(trial: Trial) -> None:
    """Every element of a weight is filled with a finite number, in place, in float64, float32 and bfloat16."""
    for shape in _accepted(trial):
        for dtype in DTYPES:
            weight = torch.full(shape, math.nan, dtype=dtype)
            trial.build()(weight)
            if weight.shape != shape or weight.dtype != dtype:
                raise Violation(f"a weight {shape} of {dtype} is {tuple(weight.shape)} of {weight.dtype} afterwards")
            if wrong := int((~weight.isfinite()).sum()):
                raise Violation(
                    f"of a weight {shape} of {dtype} {wrong} of {weight.numel()} numbers are not filled, or not finite",
                    "fill the tensor that is given in place: weight.copy_(…)",
                )


@INITIALIZER_CONTRACT_CHECKS.add(since="0.2")
def repeats(trial: Trial) -> None:
    """The same state of torch's generator gives the same numbers, whatever was in the weight before."""
    for shape in _accepted(trial):
        first, second = (_filled(trial, torch.full(shape, start).double(), 1) for start in (math.nan, 7.0))
        if not torch.equal(first, second):
            raise Violation(f"a weight {shape} is filled otherwise at the same state of torch's generator", OURS)


@INITIALIZER_CONTRACT_CHECKS.add(since="0.2")
def bias(trial: Trial) -> None:
    """``fill_bias`` fills the whole bias with finite numbers, and leaves the weight as it is."""
    for shape in _accepted(trial):
        weight = _filled(trial, torch.empty(shape, dtype=torch.float64), 1)
        before, beside = weight.clone(), torch.full(shape[:1], math.nan, dtype=torch.float64)
        trial.build().fill_bias(beside, weight)
        if not torch.equal(weight, before):
            raise Violation(f"fill_bias() changes the weight {shape}")
        if wrong := int((~beside.isfinite()).sum()):
            raise Violation(
                f"of the bias of a weight {shape} {wrong} of {shape[0]} numbers are not filled, or not finite"
            )


@INITIALIZER_CONTRACT_CHECKS.add(since="0.2")
def generator(trial: Trial) -> None:
    """It takes its numbers from torch's generator and leaves that where they end: it never seeds it."""
    for shape in _accepted(trial):
        states = []
        for seed in (1, 2):
            with seeded(seed):
                trial.build()(torch.empty(shape, dtype=torch.float64))
                states.append(torch.get_rng_state())
        if torch.equal(*states):
            raise Violation(
                "torch's generator stands at the same place afterwards, wherever it stood before",
                "do not seed torch's generator: every layer made afterwards would draw the same",
            )


@INITIALIZER_CONTRACT_CHECKS.add(since="0.2")
def strides(trial: Trial) -> None:
    """A weight that is a view is filled like any other in distribution, and nothing around it is written."""
    for shape in _accepted(trial):
        around = torch.full((*shape, 2), math.nan, dtype=torch.float64)
        with seeded(1):
            trial.build()(around[..., 0])
        if not around[..., 0].isfinite().all():
            raise Violation(f"a weight {shape} that is a view is not filled")
        if not around[..., 1].isnan().all():
            raise Violation(f"filling a weight {shape} that is a view writes beside it")


def _accepted(trial: Trial) -> list[tuple[int, ...]]:
    """Return the shapes that are not refused by an error that says so."""
    shapes: list[tuple[int, ...]] = []
    for shape in SHAPES:
        with suppress(ShapeError, ConfigError):
            trial.build()(torch.empty(shape, dtype=torch.float64))
            shapes.append(shape)
    if not shapes:
        raise NotApplicable(f"it refuses weights of every shape of {SHAPES}")
    return shapes


def _filled(trial: Trial, weight: Tensor, seed: int) -> Tensor:
    with seeded(seed):
        trial.build()(weight)
    return weight
