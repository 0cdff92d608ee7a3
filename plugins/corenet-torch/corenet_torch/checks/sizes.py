"""Other sizes than those given: around the edges of blocks, and with one more dimension."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.support.violation import NotApplicable, Violation

from corenet_torch.along import agrees, is_kinked
from corenet_torch.call import Call
from corenet_torch.checks.effects import SOUND
from corenet_torch.checks.gradient import refuse_slopes, refuse_wrong
from corenet_torch.resized import deepened, resized
from corenet_torch.trial import FunctionTrial, largest

SIZES_CHECKS = Checks("function")
SIZES = (1, 7, 33, 130, 1025)  # around the edges of blocks
BETWEEN = (1, 7, 33)  # of a dimension that is neither the first nor the last
TELLING = 7  # the smallest size in which a fault shows its form
LARGEST, MANY = 200_000, 1000  # elements of a tensor, in float64 and in a dtype of its own
ALONE = 2000  # as many are looked at by themselves where directions say nothing
FEW = 3  # of a tensor are looked at by themselves; all take part in random directions
ROUNDING = (
    1e-11  # of the largest gradient in the sizes given: with one column that of a normalisation is rounding alone
)
AFTER = (*SOUND, "gradient", "own_dtype")


@SIZES_CHECKS.add(since="0.1", after=AFTER)
def sizes(trial: FunctionTrial) -> None:
    """With other numbers of rows and columns, around the edges of blocks, the gradient agrees too, or it is refused."""
    tried = False
    for dimension, what, of in _dimensions(trial):
        taken = dict(_of_sizes(trial.best, dimension, of))
        wrong = [size for size, other in taken.items() if is_wrong(other)]
        tried |= bool(taken)
        if wrong:
            right = " and ".join(str(size) for size in taken if size not in wrong)
            telling = next((size for size in wrong if size >= TELLING), wrong[0])
            which = f"with {' and '.join(map(str, wrong))} {what}{f', but not with {right}' if right else ''}"
            _refuse_size(taken[telling], f"{which}, as of {telling}")
    if not tried:
        raise NotApplicable("it takes no other sizes")


@SIZES_CHECKS.add(since="0.1", after=(*AFTER, "sizes"))
def more_dimensions(trial: FunctionTrial) -> None:
    """If forward takes one more leading dimension, as of a batch, so does backward, or it refuses it."""
    best = trial.best
    if best.is_random or not best.call.inputs or not best.call.inputs[0].dim():
        raise NotApplicable("there is no batch of random numbers, or of a number")
    deep, second = (best.on(each) for each in deepened(best.call, best.seed))
    try:
        outputs = deep.forward().outputs
        apart = [each.forward().outputs for each in (best, second)]
    except Exception as error:
        raise NotApplicable("it takes no more dimensions") from error
    whole = tuple(torch.stack(pair) for pair in zip(*apart, strict=True))
    same = [one.shape == other.shape and torch.allclose(one, other) for one, other in zip(outputs, whole, strict=True)]
    if not all(same):
        raise NotApplicable("it takes one more dimension as something else than a batch")
    try:
        deep.found()
    except Exception as error:
        raise NotApplicable(f"backward refuses one more dimension: {reason_of(error)}") from error
    if is_wrong(deep):
        _refuse_size(deep, "with one more leading dimension, which forward takes")


def is_wrong(trial: FunctionTrial, most: int = FEW) -> bool:
    """Tell whether the gradient is wrong of such arguments; up to ``most`` elements of a tensor are looked at alone."""
    if not trial.refusal:
        return not agrees(trial) and _is_wrong_examined(trial, most)
    return trial.call.inputs[0].numel() <= MANY and any(each.is_wrong for each in trial.slopes)


def _is_wrong_examined(trial: FunctionTrial, most: int) -> bool:
    """Tell whether it is wrong by the full comparison; at a kink, by elements alone and by no direction."""
    wrong = [each for each in trial.examined(most).tensors if each.status == "wrong"]
    if not wrong or any(each.index for each in wrong) or not is_kinked(trial):
        return bool(wrong)
    return all(each.numel() <= ALONE for each in trial.call.inputs) and trial.examined(ALONE).status == "wrong"


def _dimensions(trial: FunctionTrial) -> Iterator[tuple[int, str, tuple[int, ...]]]:
    """Yield each dimension of the first input, what to call its entries, and the sizes to try."""
    count = trial.call.inputs[0].dim() if trial.call.inputs else 0
    if count:
        yield 0, "rows", SIZES
    if count > 1:
        yield -1, "columns", SIZES
    yield from ((each, f"entries in dimension {each}", BETWEEN) for each in range(1, count - 1))


def _of_sizes(trial: FunctionTrial, dimension: int, of: tuple[int, ...]) -> Iterator[tuple[int, FunctionTrial]]:
    """Yield the trial in each of the sizes that forward takes; what backward raises then is a finding."""
    shape = trial.call.inputs[0].shape
    if not shape[dimension]:
        return
    is_square = shape.count(shape[dimension]) > 1  # a vector beside it may be of either dimension
    rounding = ROUNDING * max(map(largest, trial.usual.gradients.values()))
    for size in of:
        if not trial.call.refuses_indices and size <= _largest_index(trial.call):
            continue
        other = replace(trial, call=resized(trial.call, dimension, size, trial.seed), atol=max(trial.atol, rounding))
        if max(each.numel() for each in other.call.inputs) <= LARGEST and is_taken(other, backward=is_square):
            yield size, other


def _largest_index(call: Call) -> int:
    """Return the largest integer that is given, -1 if there is none."""
    tensors = (each for each in call.args if isinstance(each, torch.Tensor) and each.numel())
    return max((int(each.max()) for each in tensors if not each.is_floating_point()), default=-1)


def _refuse_size(trial: FunctionTrial, which: str) -> None:
    if trial.refusal:
        refuse_slopes(trial, which)
    refuse_wrong(trial.gradients, which)
    raise Violation(f"{which}, the gradient is wrong in some random direction")


def is_taken(trial: FunctionTrial, backward: bool = False) -> bool:
    """Tell whether forward takes such arguments, and ``backward`` too; else what it raises then is a finding."""
    try:
        if backward:
            trial.found()
        else:
            trial.forward()
    except Exception:  # noqa: BLE001 - a stranger's code may refuse a shape in any way
        return False
    return True
