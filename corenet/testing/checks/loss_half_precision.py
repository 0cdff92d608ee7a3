"""That a loss is right in bfloat16 and float16, as far as rounding lets that be told."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from corenet.contracts.several import Tensors, each_of, like, mapped
from corenet.testing.checks.check import Checks
from corenet.testing.support.drawing import cast
from corenet.testing.support.half_precision import DRAWS, in_each_dtype, refuse_other_dtypes, rounded
from corenet.testing.support.loss_evaluation import each_reduction, evaluate
from corenet.testing.support.rounding import SAMPLES, Rounded, moved_by_digits
from corenet.testing.support.trial import Trial

LOSS_HALF_CHECKS = Checks("loss")


@LOSS_HALF_CHECKS.add(since="0.2", after=("runs", "gradient", "float32"))
def half_precision(trial: Trial) -> None:
    """Bfloat16 and float16 give a gradient of their own dtype, and agree with float64 but for rounding."""
    for each in each_reduction(trial):
        in_each_dtype(partial(_of_loss, each), DRAWS)


def _of_loss(trial: Trial, dtype: torch.dtype, seed: int) -> Rounded:
    input, target = (
        mapped(partial(cast, dtype=dtype), each) for each in (trial.input(seed=seed), trial.target(seed=seed))
    )
    found = evaluate(trial.build().to(dtype=dtype), input, target)
    refuse_other_dtypes({name: each for name, each in found.named().items() if name != "the value"}, dtype)

    def again(input: Tensors, sample: int = 0) -> dict[str, Tensor]:
        given = (mapped(partial(cast, dtype=torch.float64), each) for each in (input, target))
        return evaluate(rounded(trial, dtype, sample), *given).named()

    moved = (moved_by_digits(each_of(input), dtype, sample) for sample in range(1, 1 + SAMPLES))
    nearby = [again(like(input, tuple(each)), sample) for sample, each in enumerate(moved, 1)]
    return Rounded(dtype, found.named(), again(input), nearby)
