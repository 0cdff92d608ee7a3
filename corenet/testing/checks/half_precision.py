"""That modules and losses are right in bfloat16 and float16, as far as rounding lets that be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.several import Tensors, each_of, like, mapped
from corenet.errors import CorenetError
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_gradient import GRADIENTS
from corenet.testing.support.drawing import cast
from corenet.testing.support.forward_backward import ForwardBackward, drawn_like, forward_backward, is_random
from corenet.testing.support.loss_evaluation import each_reduction, evaluate
from corenet.testing.support.rounding import GRADIENT, SAMPLES, Rounded, moved_by_digits
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_HALF_CHECKS, LOSS_HALF_CHECKS = Checks("module"), Checks("loss")
DTYPES = (torch.bfloat16, torch.float16)
DRAWS = 3  # of inputs: rounding may choose another maximum of one of them, and a fault is there in each
KEEP = "return the dtype of the input: no float32 constants with dimensions, and .to(input.dtype) after .float()"
BRANCH = "right in float64: look for what is done for half precision alone, or what overflows beyond 65504"


@MODULE_HALF_CHECKS.add(since="0.2", after=(*GRADIENTS, "float32"))
def half_precision(trial: Trial) -> None:
    """Bfloat16 and float16 give their own dtype, and agree with float64 but for rounding, or are refused."""
    if is_random(trial):
        _in_each_dtype(partial(_of_module, trial), draws=1, judged=False)
        raise NotApplicable("it draws other random numbers in each dtype, so only the dtypes were compared")
    _in_each_dtype(partial(_of_module, trial), DRAWS)


def _of_module(trial: Trial, dtype: torch.dtype, seed: int) -> Rounded:
    module = trial.build().to(dtype=dtype)
    inputs = [cast(each, dtype) for each in trial.inputs(seed=seed)]
    found = forward_backward(module, inputs)
    _refuse_other_dtypes(found.named(), dtype)
    upstreams = [each if each is None else each.double() for each in drawn_like(found.outputs)]
    again = partial(_exact, trial, dtype, upstreams)
    exact = again(inputs)
    nearby = [again(moved_by_digits(inputs, dtype, sample), sample) for sample in range(1, 1 + SAMPLES)]
    return Rounded(dtype, found.named(), exact.named(), [each.named() for each in nearby])


def _exact(
    trial: Trial, dtype: torch.dtype, upstreams: Sequence[Tensor | None], inputs: Sequence[Tensor], sample: int = 0
) -> ForwardBackward:
    """Return what the module gives in float64, for parameters as ``dtype`` has them, or moved by a last digit."""
    module = _rounded(trial, dtype, sample)
    return forward_backward(module, [cast(each, torch.float64) for each in inputs], upstreams)


def _rounded(trial: Trial, dtype: torch.dtype, sample: int) -> Any:
    built = trial.build().to(dtype=dtype).to(dtype=torch.float64)
    tensors = [tensor for _, tensor in built.named_tensors()]
    if sample:
        for tensor, moved in zip(tensors, moved_by_digits(tensors, dtype, -sample), strict=True):
            tensor.copy_(moved)
    return built


@LOSS_HALF_CHECKS.add(since="0.2", after=("runs", "gradient", "float32"))
def half_precision(trial: Trial) -> None:  # noqa: F811 - the check of the same name of a loss
    """Bfloat16 and float16 give a gradient of their own dtype, and agree with float64 but for rounding."""
    for each in each_reduction(trial):
        _in_each_dtype(partial(_of_loss, each), DRAWS)


def _of_loss(trial: Trial, dtype: torch.dtype, seed: int) -> Rounded:
    input, target = (mapped(partial(cast, dtype=dtype), each) for each in (trial.input(seed=seed), trial.target(seed=seed)))
    found = evaluate(trial.build().to(dtype=dtype), input, target)
    _refuse_other_dtypes({name: each for name, each in found.named().items() if name != "the value"}, dtype)

    def again(input: Tensors, sample: int = 0) -> dict[str, Tensor]:
        given = (mapped(partial(cast, dtype=torch.float64), each) for each in (input, target))
        return evaluate(_rounded(trial, dtype, sample), *given).named()

    moved = (moved_by_digits(each_of(input), dtype, sample) for sample in range(1, 1 + SAMPLES))
    nearby = [again(like(input, tuple(each)), sample) for sample, each in enumerate(moved, 1)]
    return Rounded(dtype, found.named(), again(input), nearby)


def _in_each_dtype(compared: Callable[[torch.dtype, int], Rounded], draws: int, judged: bool = True) -> None:
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


def _refuse_other_dtypes(named: dict[str, Tensor], dtype: torch.dtype) -> None:
    for name, tensor in named.items():
        if tensor.is_floating_point() and tensor.dtype != dtype:
            raise Violation(f"for an input of {str(dtype).removeprefix('torch.')}, {name} is {tensor.dtype}", KEEP)
