"""A component in bfloat16 and float16: tried in each, refused where it is wrong in either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from corenet.errors import CorenetError
from corenet.registry.collect import reason_of
from corenet.testing.support.rounding import GRADIENT, Rounded, moved_by_digits
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

DTYPES = (torch.bfloat16, torch.float16)
DRAWS = 3  # of inputs: rounding may choose another maximum of one of them, and a fault is there in each
KEEP = "return the dtype of the input: no float32 constants with dimensions, and .to(input.dtype) after .float()"
BRANCH = "right in float64: look for what is done for half precision alone, or what overflows beyond 65504"


def in_each_dtype(compared: Callable[[torch.dtype, int], Rounded], draws: int, judged: bool = True) -> None:
    """Raise for what is wrong in every draw of a dtype.

    The check does not apply if each dtype is refused, or rounding hides all of it.
    """
    refusals, seen = {}, False
    for dtype in DTYPES:
        name = str(dtype).removeprefix("torch.")
        try:
            found = [compared(dtype, seed) for seed in range(draws)]
        except Violation:
            raise
        except Exception as error:
            if not _is_refusal(error):
                raise Violation(f"in {name} it raises {reason_of(error)}", KEEP) from error
            refusals[name] = reason_of(error)
            continue
        if not judged:
            continue
        wrong = [each.wrong() for each in found]
        seen |= any(GRADIENT in name for name in found[0].judged())
        always = [each for each in wrong[0] if all(each in other for other in wrong)]
        if always:
            raise Violation(f"in {name}, {', '.join(f'{each} {wrong[0][each]}' for each in always)}", BRANCH)
    if len(refusals) == len(DTYPES):
        raise NotApplicable(f"it refuses {' and '.join(refusals)}: {next(iter(refusals.values()))}")
    if judged and not seen:
        raise NotApplicable("rounding hides its gradients")


def _is_refusal(error: Exception) -> bool:
    """Tell whether a component says that it does not take a dtype, or torch has no kernel for it here."""
    return isinstance(error, CorenetError | NotImplementedError) or "not implemented for" in str(error)


def refuse_other_dtypes(named: dict[str, Tensor], dtype: torch.dtype) -> None:
    for name, tensor in named.items():
        if tensor.is_floating_point() and tensor.dtype != dtype:
            raise Violation(f"for an input of {str(dtype).removeprefix('torch.')}, {name} is {tensor.dtype}", KEEP)


def rounded(trial: Trial, dtype: torch.dtype, sample: int) -> Any:
    """Return the component in float64, with its numbers as ``dtype`` has them, or moved by up to a last digit."""
    built = trial.build().to(dtype=dtype).to(dtype=torch.float64)
    tensors = [tensor for _, tensor in built.named_tensors()]
    if sample:
        for tensor, moved in zip(tensors, moved_by_digits(tensors, dtype, -sample), strict=True):
            tensor.copy_(moved)
    return built
