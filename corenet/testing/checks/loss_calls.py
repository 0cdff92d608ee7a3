"""That the instances and the calls of a loss are independent of each other."""

from __future__ import annotations

import torch

from corenet.contracts.several import each_of
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.loss_rows import NEEDED, must_agree, of_rows
from corenet.testing.support.loss_evaluation import each_reduction, evaluate, evaluate_fresh, ignored_class
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

LOSS_CALLS_CHECKS = Checks("loss")


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
        other = of_rows(trial, size)
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
        must_agree(each, input, target, "right where no sample is ignored: look at what it does with the others")
