"""Whether calls leave each other and their arguments alone, and whether gradients add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from corenet.grading.guard import running
from corenet.grading.lines import changing, line_of
from corenet.grading.source import Source
from corenet.grading.textbook import Arguments, Point, Textbook
from corenet.grading.trial import Trial, agree
from corenet.grading.verdict import KEPT, Verdict, broken
from corenet.grading.written import ClassCall, Written
from corenet.registry.collect import reason_of

ALIKE = 1e-9


def verdict_on_calls(textbook: Textbook, written: Written, source: Source, trials: Sequence[Trial]) -> Verdict:
    """Return whether arguments stay as they are, and a second call changes nothing in the first one's backward."""
    usual = [trial for trial in trials if trial.point.kind == "ordinary" and trial.error is None]
    if len(usual) < 2:
        return Verdict(False, None, "it cannot be told, as forward or backward stops with an error")
    first, second = usual[-1], usual[0]
    try:
        with running():
            one, other = written.forward(first.point), written.forward(second.point)
            gradients = one.backward(first.point.upstream), other.backward(second.point.upstream)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a student's code may raise anything
        return Verdict(False, "raises", f"two calls in turn raise {reason_of(error)}"[:200], source.raised_at(error))
    if name := _changed(one.given, first.point):
        return broken("arguments_changed", changing(source, written, name))
    alone = (first, second)
    outputs = one.output, other.output
    if textbook.is_random:
        same = all(
            _same(textbook.work(trial.point, output).gradients, gradient) or not _is_right(trial)
            for trial, output, gradient in zip(alone, outputs, gradients, strict=True)
        )
    else:
        same = all(_same(trial.gradients, gradient) for trial, gradient in zip(alone, gradients, strict=True))
    return KEPT if same else broken("state_kept")


def verdict_on_accumulation(textbook: Textbook, written: Written, source: Source, trials: Sequence[Trial]) -> Verdict:
    """Return whether backward adds to what stands in ``.grad``."""
    usual = [trial for trial in trials if trial.point.kind == "ordinary" and trial.error is None]
    if not usual:
        return Verdict(False, None, "it cannot be told, as forward or backward stops with an error")
    trial = usual[-1]
    before = {name: 1 + np.abs(trial.point.arguments[name]) for name in textbook.parameters}
    with running():
        call = written.forward(trial.point)
        assert isinstance(call, ClassCall)
        after = call.backward(trial.point.upstream, before)
    if all(not trial.gradients[name].any() for name in textbook.parameters):
        return broken("gradient_missing")
    for name in textbook.parameters:
        if not agree(after[name] - before[name], trial.gradients[name], ALIKE, 1.0):
            return broken("not_accumulated", line_of(source, textbook, written, name))
    return KEPT


def _changed(given: Arguments, point: Point) -> str:
    """Return which argument is no longer what it was; "" if none is."""
    before = point.arguments | {"grad_output": point.upstream}
    for name, value in given.items():
        if isinstance(value, np.ndarray) and not np.array_equal(value, before[name], equal_nan=True):
            return name
    return ""


def _same(ours: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> bool:
    return all(
        agree(ours[name], each, ALIKE, 1e-3) or _both_unknown(ours[name], each) for name, each in expected.items()
    )


def _both_unknown(ours: np.ndarray, expected: np.ndarray) -> bool:
    return bool(ours.shape == expected.shape and np.array_equal(ours, expected, equal_nan=True))


def _is_right(trial: Trial) -> bool:
    return all(trial.agrees(name) for name in trial.right.gradients)
