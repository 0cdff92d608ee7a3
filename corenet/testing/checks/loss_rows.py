"""That a loss's gradient is right for other numbers of rows and columns, and for small and large numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from corenet.contracts.several import Tensors
from corenet.errors import CorenetError
from corenet.testing.checks.check import Checks
from corenet.testing.gradcheck.arguments import Arguments
from corenet.testing.support.drawing import takes_all_numbers
from corenet.testing.support.loss_evaluation import Evaluation, each_reduction, evaluate, evaluate_fresh, weighs_samples
from corenet.testing.support.magnitudes import (
    ALWAYS,
    BLOCK,
    FAR,
    LARGE,
    ROWS,
    SMALL,
    TOO_LARGE,
    TOO_SMALL,
    WIDTH,
    fault_in_tail,
    takes_little,
)
from corenet.testing.support.slope import slopes
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

LOSS_ROWS_CHECKS = Checks("loss")
NEEDED = ("runs", "gradient")


@LOSS_ROWS_CHECKS.add(since="0.2", after=NEEDED)
def rows(trial: Trial) -> None:
    """The gradient agrees for 7 to 1111 rows too, for each reduction."""
    for each in each_reduction(trial):
        for before, count in zip((0, *ROWS), ROWS, strict=False):
            if count > ALWAYS and not (each is trial and takes_little(partial(_evaluated, of_rows(each, before)))):
                break
            sized = of_rows(each, count)
            must_agree(sized, sized.input(), sized.target(), BLOCK)


@LOSS_ROWS_CHECKS.add(since="0.2", after=(*NEEDED, "rows"))
def widths(trial: Trial) -> None:
    """The gradient agrees where each dimension but the first, of classes too, is 303 wide, or it is refused."""
    if trial.draws:
        raise NotApplicable("its case draws the inputs, of shapes of their own")
    for dimension in range(1, len(trial.case.shape)):
        shape = (*trial.case.shape[:dimension], WIDTH, *trial.case.shape[dimension + 1 :])
        classes = WIDTH if trial.case.classes is not None and dimension == 1 else trial.case.classes
        wide = replace(trial, case=replace(trial.case, shape=shape, classes=classes))
        if _is_taken(wide, wide.input(), wide.target()):
            must_agree(wide, wide.input(), wide.target(), BLOCK)


@LOSS_ROWS_CHECKS.add(since="0.2", after=(*NEEDED, "rows"))
def magnitudes(trial: Trial) -> None:
    """The gradient agrees for numbers and differences from 0.001 to 60, if the domain is all numbers."""
    _needs_all_numbers(trial)
    large = trial if weighs_samples(trial) else trial.of_rows(33)
    for each in each_reduction(large):
        for what, meaning, input, target in _scaled(each):
            if _is_taken(each, input, target):
                must_agree(each, input, target, meaning, f", for {what},")


@LOSS_ROWS_CHECKS.add(since="0.2", after=(*NEEDED, "rows"))
def tails(trial: Trial) -> None:
    """The gradient agrees where all inputs are 25 above or below all targets, and slopes may be as small as 1e-11."""
    _needs_all_numbers(trial)
    for what, input, target in _far(trial):
        if _is_taken(trial, input, target) and (found := fault_in_tail(trial.build(), input, target, seed=trial.seed)):
            raise Violation(f"for {what} the gradient of {found[0]}", found[1])


def of_rows(trial: Trial, count: int) -> Trial:
    """Return the trial with so many rows.

    Raises:
        NotApplicable: the case gives each sample a weight, or its inputs have no first dimension in common.
    """
    if weighs_samples(trial):
        raise NotApplicable("the case gives each sample of the batch a weight by its index")
    return trial.of_rows(count)


def must_agree(trial: Trial, input: Tensors, target: Tensors, meaning: str, when: str = "") -> None:
    """Raise unless the gradient agrees with the slope in each of two random directions; ``meaning`` is why not."""
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
            lost = _lost_rows(found.gradients[0]) if meaning is BLOCK else ""
            raise Violation(f"{trial}{when or ':'} the slope in a random direction {wrong}", lost or meaning)


def _evaluated(trial: Trial) -> Evaluation:
    return evaluate_fresh(trial, trial.input(), trial.target())


def _lost_rows(gradient: Tensor) -> str:
    """Return how many of the last rows have no gradient at all; an empty string if the last has one."""
    zero = ~gradient.reshape(len(gradient), -1).bool().any(1)
    count = int(zero.flip(0).int().cumprod(0).sum())
    return f"the last {count} of {len(gradient)} rows have no gradient: a block whose rest is lost" if count else ""


def _needs_all_numbers(trial: Trial) -> None:
    if trial.draws or not takes_all_numbers(trial.case.domain):
        raise NotApplicable("its case draws the inputs, or has a domain of its own")


def _scaled(trial: Trial) -> Iterator[tuple[str, str, Tensor, Tensor]]:
    """Yield inputs and targets of several sizes, after words for them and for what a fault means.

    Targets of a domain of their own stay in it.
    """
    input, target, size = trial.input(), trial.target(), trial.case.domain[1]
    if trial.case.classes is not None or not takes_all_numbers(trial.case.target_domain or trial.case.domain):
        yield f"inputs up to {LARGE:g}", TOO_LARGE, input * LARGE / size, target
        yield f"inputs up to {SMALL:g}", TOO_SMALL, input * SMALL / size, target
        return
    large, close = input * LARGE / size, input * LARGE / size + target * SMALL / size
    yield f"inputs and targets up to {LARGE:g}", TOO_LARGE, large, target * LARGE / size
    yield f"inputs and targets up to {SMALL:g}", TOO_SMALL, input * SMALL / size, target * SMALL / size
    yield f"inputs up to {LARGE:g} and targets within {SMALL:g} of them", TOO_SMALL, close, large


def _far(trial: Trial) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield inputs far above and below their targets, or far on the side of the class that is right, or is wrong."""
    input, target = trial.input() / 8, trial.target()
    dimension = 1 if trial.case.classes is not None else None
    if dimension is not None:
        chosen = torch.zeros_like(input).scatter(dimension, target.unsqueeze(dimension), FAR)
        yield f"logits {FAR:g} above the others where they are right", input + chosen, target
        return
    low, high = trial.case.target_domain or trial.case.domain
    for sign in (1, -1):
        far = input + sign * FAR
        if takes_all_numbers((low, high)):
            yield f"inputs near {sign * FAR:g} and targets near 0", far, target / 8
        else:
            for edge in (low, high):
                yield f"inputs near {sign * FAR:g} and targets of {edge:g}", far, torch.full_like(target, edge)


def _is_taken(trial: Trial, input: Tensors, target: Tensors) -> bool:
    """Tell whether a loss takes these numbers and has a finite value for them."""
    try:
        return bool(evaluate_fresh(trial, input, target).value.isfinite().all())
    except (CorenetError, ValueError, IndexError, RuntimeError):
        return False
