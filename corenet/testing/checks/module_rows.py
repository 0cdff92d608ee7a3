"""That a module's gradients are right for other numbers of rows, magnitudes, patterns and upstream gradients."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_effects import KEPT
from corenet.testing.checks.module_gradient import GRADIENTS
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.support.drawing import form, takes_all_numbers
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
)
from corenet.testing.support.point import Inputs, Point, is_quick, is_refused
from corenet.testing.support.resized import wider
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_ROWS_CHECKS = Checks("module")
MOST_IN_TAILS = 24
UNSEEN = 23  # rows, which no other check takes
PATTERN = "right on other inputs of this shape: look for a branch on values that are equal"
ROWS_LOST = "right but for the last {} of {} rows: a block whose rest is lost"
MOST_ROWS = 10  # that a message lists
UPSTREAM = "right for other upstream gradients: look for a branch on their size or sign, or a division by them"


@MODULE_ROWS_CHECKS.add(since="0.2", after=GRADIENTS)
def rows(trial: Trial) -> None:
    """Gradients agree for 7 to 1111 rows, for large and small numbers, and for rows that are equal or constant."""
    for what, inputs, meaning in _inputs(trial):
        _must_agree(trial, inputs, f"for {what}", meaning)
    for count in ROWS:
        try:
            inputs = _of_rows(trial, count)
        except NotApplicable:
            return
        _must_agree(trial, inputs, f"for {count} rows", BLOCK)


@MODULE_ROWS_CHECKS.add(since="0.2", after=(*GRADIENTS, "rows"))
def widths(trial: Trial) -> None:
    """Gradients agree for inputs and parameters that are 303 wide too, where its sizes can be changed."""
    tried = False
    for what, wide in wider(trial, WIDTH):
        tried = True
        _must_agree(wide, wide.inputs(), f"for {wide}, {what}", BLOCK)
    if not tried:
        raise NotApplicable("it refuses other sizes, or is slow for them")


@MODULE_ROWS_CHECKS.add(since="0.2", after=(*GRADIENTS, "rows"))
def tails(trial: Trial) -> None:
    """Gradients agree where all inputs are near −25 or 25, and slopes may be as small as 1e-11."""
    if trial.draws or not takes_all_numbers(trial.case.domain):
        raise NotApplicable("its case draws the inputs, or has a domain of its own")
    (input,) = trial.inputs()
    if input.numel() > MOST_IN_TAILS:
        raise NotApplicable(f"an input of {form(input)} is large for that; give a Case with a small one")
    for center in (-FAR, FAR):
        far = center + input / 4
        if not is_refused(trial, (far,)) and (found := fault_in_tail(trial.build(), far, seed=trial.seed)):
            raise Violation(f"where all inputs are near {center:g}, the gradient of {found[0]}", found[1])


@MODULE_ROWS_CHECKS.add(since="0.2", after=GRADIENTS)
def upstreams(trial: Trial) -> None:
    """Gradients agree for upstream gradients that are sparse, ones, of one sign, large, small or zero."""
    point = Point.of(trial, trial.inputs())
    for what, upstream in _upstreams(point.drawn(seed=3)).items():
        point.must_agree(upstream, f"with an upstream gradient of {what}", UPSTREAM)


def _must_agree(trial: Trial, inputs: Inputs, when: str, meaning: str) -> None:
    """Raise unless the gradients agree with the slopes, for two upstream gradients, or the inputs are refused."""
    if is_refused(trial, inputs):
        return
    try:
        point = Point.of(trial, inputs)
    except NotApplicable:
        return
    for seed in (1, 2):
        upstream = point.drawn(seed)
        try:
            point.must_agree(upstream, when, meaning)
        except Violation as violation:
            raise Violation(str(violation), _cause(trial, point, upstream, meaning)) from violation


def _cause(trial: Trial, point: Point, upstream: Tensor, meaning: str) -> str:
    """Return more of what a wrong gradient means: which rows it is wrong in, or what the gradient check says of it."""
    count, rows = len(point.inputs[0]), point.wrong_rows(upstream)
    if meaning is BLOCK and rows == list(range(count - len(rows), count)) and rows and point.inputs[0].dim() == 2:
        return ROWS_LOST.format(len(rows), count)
    if meaning is not BLOCK and _is_kept_by_shape(trial):
        return KEPT
    if found := _diagnosis(trial, point.inputs):
        return f"{meaning}\n{found}"
    return f"{meaning}\nright but for the rows {', '.join(map(str, rows[:MOST_ROWS]))}" if rows else meaning


def _is_kept_by_shape(trial: Trial) -> bool:
    """Tell whether the gradient is right at the first call of a shape, and wrong at the second on other numbers."""
    try:
        other = trial.of_rows(UNSEEN)
        points = (Point.of(other, other.inputs(seed=seed)) for seed in (0, 9))
        return [each.is_right() for each in points] == [True, False]
    except NotApplicable:
        return False


def _diagnosis(trial: Trial, inputs: Inputs) -> str:
    """Return what the gradient check says of these inputs; an empty string where it says nothing."""
    try:
        tensors = examine(trial.build(), *inputs, seed=trial.seed).tensors
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything; other checks report it
        return ""
    return next((each.diagnosis for each in tensors if each.status == "wrong"), "")


def _of_rows(trial: Trial, count: int) -> Inputs:
    """Return inputs of so many rows.

    Raises:
        NotApplicable: the inputs have no rows, or the module is too slow for so many.
    """
    if not all(each.dim() > (not trial.draws) for each in trial.inputs()):
        raise NotApplicable("its inputs have no rows")
    if count > ALWAYS and not is_quick(trial, trial.of_rows(ROWS[ROWS.index(count) - 1]).inputs()):
        raise NotApplicable(f"it is slow for {count} rows")
    return trial.of_rows(count).inputs()


def _inputs(trial: Trial) -> Iterator[tuple[str, Inputs, str]]:
    case, inputs = trial.case, trial.inputs()
    if all(each.dim() > (not trial.draws) for each in inputs):
        yield "rows that are all the same", tuple(each[:1].expand(each.shape).clone() for each in inputs), PATTERN
    if trial.draws:
        return
    (input,) = inputs
    if case.shape:
        yield "rows that are constant", (input[..., :1].expand(input.shape).clone(),), PATTERN
    if takes_all_numbers(case.domain):
        yield f"numbers up to {LARGE:g}", (input * LARGE / case.domain[1],), TOO_LARGE
    if case.domain[0] <= 0 <= case.domain[1]:
        yield f"numbers up to {SMALL:g}", (input * SMALL / max(map(abs, case.domain)),), TOO_SMALL


def _upstreams(drawn: Tensor) -> dict[str, Tensor]:
    zeros, last = drawn.clone(), torch.zeros_like(drawn)
    zeros.view(-1)[::2] = 0
    last.view(-1)[-1:] = 1
    return {
        "zeros and others": zeros,
        "a single 1, the last": last,
        "ones": torch.ones_like(drawn),
        "positive numbers": drawn.abs(),
        "negative numbers": -drawn.abs(),
        "large numbers": 1e4 * drawn,
        "small numbers": 1e-6 * drawn,
        "zeros": torch.zeros_like(drawn),
    }
