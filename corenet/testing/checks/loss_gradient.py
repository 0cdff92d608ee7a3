"""What every loss promises of its value and its gradient."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from corenet.contracts.loss import REDUCTIONS
from corenet.contracts.several import each_of, mapped, rows
from corenet.errors import CorenetError
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.gradcheck.report import GradientReport
from corenet.testing.support.compare import difference
from corenet.testing.support.drawing import cast
from corenet.testing.support.loss_evaluation import (
    Evaluation,
    each_reduction,
    evaluate,
    evaluate_fresh,
    reduced,
    weighs_samples,
)
from corenet.testing.support.memory_layout import strided, transposed
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

LOSS_GRADIENT_CHECKS = Checks("loss")
FLOAT32 = 1e-4


@LOSS_GRADIENT_CHECKS.add(since="0.1", after=())
def runs(trial: Trial) -> None:
    """Forward and backward run on every case, with each reduction."""
    for each in each_reduction(trial):
        evaluate_fresh(each, each.input(), each.target())


@LOSS_GRADIENT_CHECKS.add(since="0.1")
def gradient(trial: Trial) -> None:
    """The gradient is that of the returned value, for each reduction, by central differences in float64."""
    for each in each_reduction(trial):
        _refuse_wrong(each.gradients, each)


@LOSS_GRADIENT_CHECKS.add(since="0.1", after=("runs", "gradient"))
def gradient_of_one_sample(trial: Trial) -> None:
    """The gradient of a batch of one sample agrees too."""
    _without_sample_weights(trial)
    for each in each_reduction(trial.of_rows(1)):
        _refuse_wrong(each.gradients, each)


@LOSS_GRADIENT_CHECKS.add(since="0.1")
def value(trial: Trial) -> None:
    """The value is one finite floating-point number, or without a reduction one for each element or sample."""
    for each in each_reduction(trial):
        input, target, class_dim = each_of(each.input())[0], each_of(each.target())[0], each.build().class_dim
        found = evaluate_fresh(each, each.input(), each.target()).value
        shapes = [torch.Size()]
        if each.case.arguments.get("reduction") == "none":
            shapes = [input.shape, input.shape[:1], target.shape, input.shape[:-1]]
            shapes += [] if class_dim is None else [input.select(class_dim, 0).shape]
        if found.shape not in shapes:
            raise Violation(f"{each}: the value has the shape {tuple(found.shape)}, not {tuple(shapes[0])}")
        if not found.is_floating_point() or not found.isfinite().all():
            raise Violation(f"{each}: the value is {found.flatten()[:3].tolist()}, {found.dtype}")


@LOSS_GRADIENT_CHECKS.add(since="0.1")
def permutation(trial: Trial) -> None:
    """Permuting the batch leaves the value as it is and permutes the gradient."""
    _without_sample_weights(trial)
    input, target = trial.input(), trial.target()
    order = torch.arange(_count(trial)).roll(1)
    straight = evaluate_fresh(trial, input, target)
    found = evaluate_fresh(trial, mapped(lambda each: each[order], input), mapped(lambda each: each[order], target))
    expected = straight.value if not straight.value.dim() else straight.value[order]
    turned = tuple(each[order] for each in straight.gradients)
    if wrong := found.differs(Evaluation(expected, turned, straight.parameters)):
        raise Violation(f"with the batch permuted {wrong}", "the loss depends on the index of a sample in the batch")


@LOSS_GRADIENT_CHECKS.add(since="0.1")
def reductions(trial: Trial) -> None:
    """With reduction sum and mean the value is the sum and the mean of the unreduced values."""
    values = {
        name: evaluate_fresh(each, each.input(), each.target()).value
        for name in REDUCTIONS
        if (each := reduced(trial, name))
    }
    if "none" not in values:
        raise NotApplicable("it has no reduction 'none'")
    expected = {"sum": values["none"].sum(), "mean": values["none"].mean()}
    if _weighted(trial):
        del expected["mean"]  # it may divide by the sum of the weights
    for name in expected.keys() & values.keys():
        if wrong := difference(values[name], expected[name]):
            raise Violation(
                f"with reduction={name!r} the value {wrong}, the {name} of the unreduced values",
                _factor(values[name].item(), expected[name].item()),
            )


@LOSS_GRADIENT_CHECKS.add(since="0.1")
def per_sample_sum(trial: Trial) -> None:
    """The loss of a batch is the sum, or the mean, of its samples' losses, as the reduction says."""
    _without_sample_weights(trial)
    reduction = trial.case.arguments.get("reduction")
    if reduction == "mean" and _weighted(trial):
        raise NotApplicable("a mean may divide by the sum of the weights")
    input, target = trial.input(), trial.target()
    whole, *alone = (
        evaluate_fresh(trial, rows(input, part), rows(target, part)).value.sum().item()
        for part in (slice(None), *(slice(i, i + 1) for i in range(_count(trial))))
    )
    total, mean = sum(alone), sum(alone) / len(alone)
    allowed = {"mean": [mean], "sum": [total], "none": [total]}.get(str(reduction), [mean, total])
    if not any(_close(whole, each) for each in allowed) and not (reduction is None and _weighted(trial)):
        raise Violation(
            f"the loss of a batch is {whole:.9g}; its {len(alone)} samples' losses sum to {total:.9g}, "
            f"and their mean is {mean:.9g}",
            _factor(whole, allowed[0])
            or "the loss of one sample depends on the others; if that is meant, list the check in expected_failures",
        )


@LOSS_GRADIENT_CHECKS.add(since="0.1")
def empty_batch(trial: Trial) -> None:
    """An empty batch is refused, or gives finite numbers."""
    for each in each_reduction(trial.of_rows(0)):
        loss = each.build()
        try:
            number = loss(each.input(), each.target())
        except CorenetError:
            continue
        except Exception as error:
            raise Violation(f"{each}: raises {reason_of(error)}", "refuse it in check() with a ShapeError") from error
        if not number.isfinite().all():
            raise Violation(
                f"{each}: the value is {number.item():g}", "the mean of an empty batch is undefined: raise a ShapeError"
            )
        loss.backward()


# Other dtypes and memory layouts.


@LOSS_GRADIENT_CHECKS.add(since="0.1")
def float32(trial: Trial) -> None:
    """A float32 input has a float32 gradient, and agrees with float64 within its precision."""
    given = [mapped(partial(cast, dtype=torch.float32), each) for each in (trial.input(), trial.target())]
    exact = evaluate_fresh(trial, *(mapped(partial(cast, dtype=torch.float64), each) for each in given))
    found = evaluate(trial.build().to(dtype=torch.float32), *given)
    for gradient in found.gradients:
        if gradient.dtype != torch.float32:
            raise Violation(f"the gradient of float32 input is {gradient.dtype}", "return it in the input's dtype")
    if wrong := found.differs(exact, FLOAT32):
        raise Violation(f"in float32 {wrong} as in float64; the tolerance is {FLOAT32:g}")


@LOSS_GRADIENT_CHECKS.add(since="0.1")
def strides(trial: Trial) -> None:
    """Strided and expanded inputs and targets give what contiguous ones do."""
    input, target = trial.input(), trial.target()
    layouts = {"strided": strided, "transposed": transposed, "expanded": lambda each: each[:1].expand(each.shape)}
    for how, laid_out in layouts.items():
        if how == "expanded" and any(not each.dim() for each in (*each_of(input), *each_of(target))):
            continue
        first, second = mapped(laid_out, input), mapped(laid_out, target)
        straight = evaluate_fresh(trial, mapped(Tensor.contiguous, first), mapped(Tensor.contiguous, second))
        if wrong := evaluate_fresh(trial, first, second).differs(straight):
            raise Violation(
                f"for {how} tensors {wrong}",
                "correct only for contiguous inputs: something ignores the strides",
            )


def _refuse_wrong(report: GradientReport, trial: Trial) -> None:
    for tensor in report.tensors:
        if tensor.status == "wrong":
            raise Violation(f"{trial}: the gradient of {replace(tensor, diagnosis='')}", tensor.diagnosis)
    if not any(tensor.checked for tensor in report.tensors):
        raise Violation(f"{trial}: no element of the gradient could be compared", "give a Case with another domain")
    if unsure := report.unsure:
        raise Violation(f"{trial}: {unsure}", "give a Case with another domain")


def _factor(found: float, expected: float) -> str:
    """Return the whole number by which the value is too large or too small, if there is one."""
    for count in range(2, 1000):
        if _close(found, expected * count):
            return f"{count} times too large: a division by {count} is missing"
        if _close(found * count, expected):
            return f"{count} times too small: it is divided by {count} a second time"
    return ""


def _without_sample_weights(trial: Trial) -> None:
    if weighs_samples(trial):
        raise NotApplicable("the case gives each sample of the batch a weight by its index")


def _count(trial: Trial) -> int:
    """Return the number of samples, if all that the loss is given has so many rows."""
    if trial.draws:
        trial.of_rows(1)
    return len(each_of(trial.input())[0])


def _weighted(trial: Trial) -> bool:
    return any(isinstance(value, Tensor) for value in trial.case.arguments.values())


def _close(found: float, expected: float) -> bool:
    return abs(found - expected) <= 1e-9 * max(abs(expected), 1e-12)
