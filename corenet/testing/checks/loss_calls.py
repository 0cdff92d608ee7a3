"""That a loss is right for other numbers of rows, and its instances and calls are independent of each other."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.several import Tensors, each_of
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.gradcheck.arguments import Arguments
from corenet.testing.support.loss_evaluation import (
    each_reduction,
    evaluate,
    evaluate_fresh,
    ignored_class,
    weighs_samples,
)
from corenet.testing.support.slope import slopes
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

LOSS_CALLS_CHECKS = Checks("loss")
ROWS = (7, 33, 130)
NEEDED = ("runs", "gradient")


@LOSS_CALLS_CHECKS.add(since="0.2", after=NEEDED)
def rows(trial: Trial) -> None:
    """The gradient agrees for 7, 33 and 130 rows too, for each reduction."""
    for each in each_reduction(trial):
        for count in ROWS:
            _gradient_of(_of_rows(each, count))


@LOSS_CALLS_CHECKS.add(since="0.2", after=NEEDED)
def instances(trial: Trial) -> None:
    """Two instances whose calls alternate compute what each computes alone."""
    pairs = [(trial.input(seed=seed), trial.target(seed=seed)) for seed in (0, 5)]
    losses = [trial.build() for _ in pairs]
    for loss, (input, target) in zip(losses, pairs, strict=True):
        with seeded(0):
            loss(input, target)
    for place, (loss, pair) in enumerate(zip(losses, pairs, strict=True)):
        for found, expected in zip(each_of(loss.backward()), evaluate_fresh(trial, *pair).gradients, strict=True):
            if not torch.equal(found, expected):
                gap = (found - expected).abs().max().item()
                raise Violation(
                    f"of two instances in turn, for the {('first', 'second')[place]} the gradient is wrong by {gap:g}",
                    "they share state through the class, the module of Python or a closure: keep it by save()",
                )


@LOSS_CALLS_CHECKS.add(since="0.2", after=NEEDED)
def batch_sizes(trial: Trial) -> None:
    """Evaluations of other batch sizes in turn give what a new loss gives for each."""
    loss, first = trial.build(), len(each_of(trial.input())[0])
    for call, size in enumerate((first, first + 4, 2, first), 1):
        other = _of_rows(trial, size)
        input, target = other.input(seed=call), other.target(seed=call)
        try:
            found = evaluate(loss, input, target)
        except Exception as error:
            raise Violation(f"evaluation {call}, of {size} rows, raises {reason_of(error)}") from error
        if wrong := found.differs(evaluate_fresh(other, input, target)):
            raise Violation(
                f"in evaluation {call} of one loss, of {size} rows, {wrong} as with a new one",
                "something of an earlier evaluation is kept, such as its batch size, and used again",
            )


@LOSS_CALLS_CHECKS.add(since="0.2", after=NEEDED)
def ignored_samples(trial: Trial) -> None:
    """Samples of the class ``ignore_index``, if it has that, have a gradient of zero, and the others a right one."""
    ignored = ignored_class(trial)
    if ignored is None:
        raise NotApplicable("it ignores no class")
    for each in each_reduction(trial):
        input, target = each.input(), each.target()
        target[0] = ignored
        (gradient,) = evaluate_fresh(each, input, target).gradients
        if gradient[0].any():
            raise Violation(
                f"{each}: a sample that is ignored has a gradient of up to {gradient[0].abs().max().item():g}",
                "set the rows of ignored samples to zero",
            )
        _must_agree(each, input, target)


def _of_rows(trial: Trial, count: int) -> Trial:
    if weighs_samples(trial):
        raise NotApplicable("the case gives each sample of the batch a weight by its index")
    return trial.of_rows(count)


def _gradient_of(trial: Trial) -> None:
    _must_agree(trial, trial.input(), trial.target())


def _must_agree(trial: Trial, input: Tensors, target: Tensors) -> None:
    """Raise unless the gradient agrees with the slope in each of two random directions."""
    loss, arguments = trial.build(), Arguments(trial.build(), [input, target])
    found = evaluate(loss, input, target)
    by_hand = {**dict(zip(arguments.asked, found.gradients, strict=True)), **found.parameters}
    moved = {**arguments.differentiable, **dict(loss.named_parameters())}
    for seed in (trial.seed, trial.seed + 1):
        try:
            slope = slopes(lambda: evaluate(loss, *arguments.given).value, moved, seed)
        except Violation:
            raise
        except Exception:  # noqa: BLE001, S112 - a step leads out of the domain
            continue
        if wrong := slope.disagree(by_hand, torch.ones_like(slope.found)):
            raise Violation(
                f"{trial}: the slope in a random direction {wrong}",
                _lost_rows(found.gradients[0])
                or "right on small inputs: look for a block whose rest is lost, or a fixed size",
            )


def _lost_rows(gradient: Tensor) -> str:
    """Return how many of the last rows have no gradient at all; an empty string if the last has one."""
    zero = ~gradient.reshape(len(gradient), -1).bool().any(1)
    count = int(zero.flip(0).int().cumprod(0).sum())
    return f"the last {count} of {len(gradient)} rows have no gradient: a block whose rest is lost" if count else ""
