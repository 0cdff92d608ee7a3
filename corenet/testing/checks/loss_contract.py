"""What every loss promises besides its value and gradient: refusals, side effects, copies, no autograd."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.saved import has_saved
from corenet.contracts.several import Tensors, each_of
from corenet.errors import BackwardError, CorenetError
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.diagnosis.watched import KEEP_DTYPE, ROUNDS, first_line, loses_digits
from corenet.testing.gradcheck.arguments import Arguments
from corenet.testing.support.built_again import FROM, KEEP, built_again
from corenet.testing.support.copiers import copiers
from corenet.testing.support.loss_evaluation import (
    Evaluation,
    each_reduction,
    evaluate,
    evaluate_fresh,
    ignored_class,
)
from corenet.testing.support.memory_layout import share_memory
from corenet.testing.support.no_autograd import no_autograd
from corenet.testing.support.torch_compile import under_torch_compile
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation, must_refuse

LOSS_CONTRACT_CHECKS = Checks("loss")
SAVE = "use save() in forward and saved() in backward"


# Refusals.


@LOSS_CONTRACT_CHECKS.add(since="0.1")
def shape_mismatch(trial: Trial) -> None:
    """Input and target that do not match in shape are refused with a CorenetError; nothing is broadcast."""
    if trial.draws:
        raise NotApplicable("its case draws the inputs: which shapes match is its own affair")
    for input, target in _mismatched(trial):
        shapes = f"input {tuple(input.shape)} and target {tuple(target.shape)}"
        try:
            found = trial.build()(input, target)
        except CorenetError:
            continue
        except Exception as error:
            raise Violation(
                f"{shapes} raise {reason_of(error)}", "raise a ShapeError in check(), naming both shapes"
            ) from error
        raise Violation(
            f"{shapes} are accepted, and give {found.sum().item():g}",
            "they are broadcast against each other: compare the shapes in check() and raise a ShapeError",
        )


@LOSS_CONTRACT_CHECKS.add(since="0.1")
def unknown_class(trial: Trial) -> None:
    """A class index outside of the classes of the input is refused."""
    if trial.case.classes is None:
        raise NotApplicable("its target is not a class index")
    classes = trial.input().shape[1]
    for index in (each for each in (-1, classes) if each != ignored_class(trial)):
        target = trial.target()
        target.view(-1)[0] = index
        try:
            found = trial.build()(trial.input(), target)
        except Exception:  # noqa: BLE001, S112 - any exception is a refusal
            continue
        raise Violation(
            f"class {index} of {classes} is accepted, and gives {found.sum().item():g}",
            "a negative index counts from the end: raise a RangeError in check()",
        )


@LOSS_CONTRACT_CHECKS.add(since="0.1")
def order_of_calls(trial: Trial) -> None:
    """Backward without an evaluation, and backward twice, raise BackwardError."""
    loss = trial.build()
    before = dict(vars(loss))
    loss(trial.input(), trial.target())
    if not _keeps(loss, before):
        raise NotApplicable("it saves nothing")
    loss.backward()
    must_refuse("backward twice", loss.backward, BackwardError, SAVE)
    must_refuse("backward before the loss is evaluated", trial.build().backward, BackwardError, SAVE)


# Side effects.


@LOSS_CONTRACT_CHECKS.add(since="0.1")
def arguments_unchanged(trial: Trial) -> None:
    """Neither forward nor backward changes input or target in place, or returns them as the gradient."""
    loss = trial.build()
    given, before = (Arguments(loss, [trial.input(), trial.target()]) for _ in range(2))
    for when, call in {"forward": lambda: loss(*given.given), "backward": loss.backward}.items():
        results = each_of(call())
        for name, old in before.tensors.items():
            new = given.tensors[name]
            if not torch.equal(new, old):
                change = (new.double() - old.double()).abs().max().item()
                raise Violation(f"{when} changes {name} in place, by {change:g} at most", "write x - y, not x.sub_(y)")
            if any(share_memory(result, new) for result in results):
                raise Violation(f"the result of {when} shares its memory with {name}", "return a new tensor: .clone()")


@LOSS_CONTRACT_CHECKS.add(since="0.1")
def evaluated_again(trial: Trial) -> None:
    """A second evaluation replaces the first, and the same input gives the same loss each time."""
    first, second = ((trial.input(seed=seed), trial.target(seed=seed)) for seed in (0, 17))
    loss = trial.build()
    with seeded(0):
        loss(*first)
    for name, pair in {"second": second, "first": first}.items():
        if wrong := evaluate(loss, *pair).differs(evaluate_fresh(trial, *pair), 0):
            raise Violation(
                f"evaluated again, on the {name} of two inputs, {wrong} as with a new loss",
                "the loss keeps state of an earlier evaluation: save() in forward, and nothing else",
            )


@LOSS_CONTRACT_CHECKS.add(since="0.1")
def copies(trial: Trial) -> None:
    """A deep copy and a pickled copy compute the same, before and after an evaluation."""
    input, target = trial.input(), trial.target()
    loss = trial.build()
    straight = evaluate_fresh(trial, input, target)
    for when in ("new", "evaluated"):
        for how, duplicate in copiers(loss).items():
            try:
                found = evaluate(duplicate(loss), input, target)
            except Exception as error:
                raise Violation(f"{how} of a {when} loss raises {reason_of(error)}") from error
            if wrong := found.differs(straight, 0):
                raise Violation(f"after {how} of a {when} loss {wrong}")
        loss(input, target)


@LOSS_CONTRACT_CHECKS.add(since="0.2")
def rebuilt(trial: Trial) -> None:
    """Built again from the arguments that it keeps, and filled with its state, it gives the same loss and gradient."""
    loss, points = trial.build(), (trial.input(), trial.target())
    if wrong := evaluate(built_again(loss, trial.seed), *points).differs(evaluate(loss, *points), 0):
        raise Violation(f"{FROM} {wrong}", KEEP)


# Autograd and torch.compile.


@LOSS_CONTRACT_CHECKS.add(since="0.1")
def no_borrowed_gradient(trial: Trial) -> None:
    """It computes its gradient itself: torch's autograd is never used."""
    with no_autograd():
        loss = trial.build()
        value = loss(trial.input(), trial.target())
        results = each_of(loss.backward())
    if value.requires_grad or any(result.requires_grad for result in results):
        raise Violation("its result requires grad: torch's autograd has recorded it", "detach() it")


@LOSS_CONTRACT_CHECKS.add(since="0.2")
def precision(trial: Trial) -> None:
    """Float64 stays float64: no operation of forward or backward on it gives fewer digits."""
    for each in each_reduction(trial):
        line = first_line(each.factory, partial(evaluate_fresh, each, each.input(), each.target()), loses_digits)
        if line:
            raise Violation(f"{each}: {ROUNDS}", f"{KEEP_DTYPE}\n{line}")


@LOSS_CONTRACT_CHECKS.add(since="0.1")
def compiled(trial: Trial) -> None:
    """torch.compile captures forward and backward whole, and they compute the same."""
    input, target, loss = trial.input(), trial.target(), trial.build()
    value, gradients = under_torch_compile(_value_and_gradients, loss, input, target)
    found = Evaluation(value, each_of(gradients), {name: each.grad for name, each in loss.named_parameters()})
    if wrong := found.differs(evaluate_fresh(trial, input, target)):
        raise Violation(f"under torch.compile {wrong} as without")


def _value_and_gradients(loss: Loss, input: Tensors, target: Tensors) -> tuple[Tensor, Tensors]:
    return loss.forward(input, target), loss.backward()


def _mismatched(trial: Trial) -> list[tuple[Tensor, Tensor]]:
    """Return inputs with targets of another shape: those that torch would broadcast, and others."""
    input, target = trial.input(), trial.target()
    batch = len(input)
    targets = [target[:1], target[..., None], target[None], target[0], target.flatten()[: batch - 1]]
    pairs = [(input, other) for other in targets]
    pairs += [(input, trial.target((batch + 1, *target.shape[1:]))), (input[:1], target)]
    if trial.case.classes is None:
        pairs += [(input[..., :1], target), (input[..., 0], target[..., :1]), (input.flatten(), target)]
        pairs += [(input, target[..., 0])]
    return [(first, second) for first, second in pairs if not _match(trial, first, second)]


def _match(trial: Trial, input: Tensor, target: Tensor) -> bool:
    expected = input.shape if trial.case.classes is None else input.shape[:1] + input.shape[2:]
    return target.shape == expected


def _keeps(loss: Loss, before: dict[str, Any]) -> bool:
    """Tell whether an evaluation left something for backward: saved, or in an attribute."""
    new = [value for name, value in vars(loss).items() if value is not before.get(name)]
    return has_saved(loss) or any(isinstance(value, Tensor) for value in new)
