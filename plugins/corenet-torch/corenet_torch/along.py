"""A quick look at all gradients at once: differences in float64 along random directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from corenet.testing.gradcheck.line import typical
from corenet.testing.support.trial import seeded
from torch import Tensor

if TYPE_CHECKING:
    from corenet_torch.trial import FunctionTrial, Upstreams

STEP = 1e-5  # of the typical size of a tensor
POINTS = {1: 8 / 12, -1: -8 / 12, 2: -1 / 12, -2: 1 / 12}
DIRECTIONS = 2
TOLERANCE = 1e-7  # of the length of the terms
DIGITS = 64.0  # last digits that each term of the output may be off by
CLEAR = 0.1  # rounding may be so much of the tolerance
KINK = 0.15  # between a sixteenth and a quarter
ROUNDED = 1e-13


def agrees(trial: FunctionTrial) -> bool:
    """Tell whether gradients in float64 agree with differences along random directions of all tensors together.

    Every element takes part, so that one that is off by more than 1e-6 of the gradient's length shows. Where they do
    not agree a kink may be within the step, or rounding be large: the full comparison decides.
    """
    passed = trial.forward()
    upstreams = trial.upstreams(passed)
    found = trial.of(passed, upstreams)
    size = sum((each * up).abs().sum().item() for each, up in _pairs(found.outputs, upstreams))
    for steps in _directions(trial):
        terms = torch.cat([(each * step).flatten() for each, step in zip(found.gradients.values(), steps, strict=True)])
        slope = sum(
            part * sum((each.double() * up).sum().item() for each, up in _pairs(_at(trial, steps, offset), upstreams))
            for offset, part in POINTS.items()
        )
        slope, length = slope / STEP, terms.norm().item()
        rounding = DIGITS * torch.finfo(torch.float64).eps * size / STEP
        if length == slope == 0:
            continue
        if not (abs(terms.sum().item() - slope) <= TOLERANCE * length and rounding * CLEAR <= TOLERANCE * length):
            return False
    return True


def is_kinked(trial: FunctionTrial) -> bool:
    """Tell whether an output has a kink just here, as a maximum of equal numbers has: no direction says what is right.

    Of a smooth one a second difference over a quarter of the step is a sixteenth, of a kink a quarter.
    """
    upstreams = trial.upstreams(trial.forward())
    for steps in _directions(trial):
        here = _at(trial, steps, 0)
        bends = [
            [(right + left - 2 * middle).abs() for right, left, middle in zip(*three, strict=True)]
            for three in ((_at(trial, steps, part), _at(trial, steps, -part), here) for part in (1, 0.25))
        ]
        for wide, near, middle, up in zip(*bends, here, upstreams, strict=True):
            if up is not None and ((near > KINK * wide) & (wide > ROUNDED * (1 + middle.abs()))).any():
                return True
    return False


def _directions(trial: FunctionTrial) -> Iterator[list[Tensor]]:
    generator = torch.Generator().manual_seed(trial.seed)
    for _ in range(DIRECTIONS):
        yield [_direction(each, generator) for each in (*trial.call.inputs, *trial.parameters.values())]


def _pairs(outputs: Iterable[Tensor], upstreams: Upstreams) -> Iterator[tuple[Tensor, Tensor]]:
    return ((each, up) for each, up in zip(outputs, upstreams, strict=True) if up is not None)


def _direction(tensor: Tensor, generator: torch.Generator) -> Tensor:
    sign = 2 * torch.randint(2, tensor.shape, generator=generator) - 1
    return typical(tensor) * (sign * (0.7 + 0.6 * torch.rand(tensor.shape, generator=generator))).to(tensor)


def _at(trial: FunctionTrial, steps: list[Tensor], part: float) -> tuple[Tensor, ...]:
    """Return the outputs so many steps away."""
    count = len(trial.call.inputs)
    moved = [each + part * STEP * step for each, step in zip(trial.call.inputs, steps, strict=False)]
    parameters = {
        name: each + part * STEP * step
        for (name, each), step in zip(trial.parameters.items(), steps[count:], strict=True)
    }
    with torch.no_grad(), seeded(trial.seed):
        return trial.call.with_inputs(moved).outputs(parameters)
