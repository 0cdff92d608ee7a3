"""That a module is right in bfloat16 and float16, as far as rounding lets that be told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_gradient import GRADIENTS
from corenet.testing.support.drawing import cast
from corenet.testing.support.forward_backward import ForwardBackward, drawn_like, forward_backward, is_random
from corenet.testing.support.half_precision import DRAWS, in_each_dtype, refuse_other_dtypes, rounded
from corenet.testing.support.rounding import SAMPLES, Rounded, moved_by_digits
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable

MODULE_HALF_CHECKS = Checks("module")


@MODULE_HALF_CHECKS.add(since="0.2", after=(*GRADIENTS, "float32"))
def half_precision(trial: Trial) -> None:
    """Bfloat16 and float16 give their own dtype, and agree with float64 but for rounding, or are refused."""
    if is_random(trial):
        in_each_dtype(partial(_of_module, trial), draws=1, judged=False)
        raise NotApplicable("it draws other random numbers in each dtype, so only the dtypes were compared")
    in_each_dtype(partial(_of_module, trial), DRAWS)


def _of_module(trial: Trial, dtype: torch.dtype, seed: int) -> Rounded:
    module = trial.build().to(dtype=dtype)
    inputs = [cast(each, dtype) for each in trial.inputs(seed=seed)]
    found = forward_backward(module, inputs)
    refuse_other_dtypes(found.named(), dtype)
    upstreams = [each if each is None else each.double() for each in drawn_like(found.outputs)]
    again = partial(_exact, trial, dtype, upstreams)
    exact = again(inputs)
    nearby = [again(moved_by_digits(inputs, dtype, sample), sample) for sample in range(1, 1 + SAMPLES)]
    return Rounded(dtype, found.named(), exact.named(), [each.named() for each in nearby])


def _exact(
    trial: Trial, dtype: torch.dtype, upstreams: Sequence[Tensor | None], inputs: Sequence[Tensor], sample: int = 0
) -> ForwardBackward:
    """Return what the module gives in float64, for parameters as ``dtype`` has them, or moved by a last digit."""
    module = rounded(trial, dtype, sample)
    return forward_backward(module, [cast(each, torch.float64) for each in inputs], upstreams)
