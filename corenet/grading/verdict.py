"""Whether a promise is kept, and what to tell a student if it is not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corenet.errors import ConfigError
from corenet.grading.explaining import explain, of_one_size
from corenet.grading.lines import line_of
from corenet.grading.misconceptions import hint
from corenet.grading.own_forward import follows_own_forward
from corenet.grading.source import Source
from corenet.grading.textbook import Textbook
from corenet.grading.trial import Trial
from corenet.grading.written import Written
from corenet.registry.collect import reason_of

MESSAGE = 200  # characters of what an error says


class Verdict(NamedTuple):
    """Whether a promise is kept; if not, the misconception, a sentence, and the line."""

    passed: bool
    misconception: str | None = None
    message: str = ""
    line: int | None = None


def broken(slug: str, line: int | None = None) -> Verdict:
    """Return the verdict on a promise that is broken by a misconception that has a name."""
    return Verdict(False, slug, hint(slug), line)


KEPT = Verdict(True)


def verdict_on(textbook: Textbook, written: Written, source: Source, name: str, trials: list[Trial]) -> Verdict:
    """Return whether the gradient of ``name``, or the output of forward, is right at all points."""
    judged = [trial for trial in trials if trial.point.kind == "ordinary" or _is_output_of_evaluation(trial, name)]
    wrong = [trial for trial in judged if not trial.agrees(name)]
    if not wrong:
        return KEPT
    right = [trial for trial in judged if trial.agrees(name)]
    if raised := [trial for trial in wrong if trial.ours(name) is None]:
        line = source.raised_at(raised[-1].error) or line_of(source, textbook, written, name)
        return _raised(raised[-1], line, of_one_size(wrong, right))
    other_forward = name != "forward" and not all(trial.agrees("forward") for trial in wrong)
    if other_forward and follows_own_forward(textbook, written, wrong[-1].point, name):
        return broken("follows_own_forward", line_of(source, textbook, written, "forward"))
    found = explain(textbook, written, source, name, wrong, right)
    if found.slug:
        return broken(found.slug, found.line)
    return Verdict(False, None, _difference(name, wrong[0]), found.line)


def verdict_on_large(source: Source, trials: list[Trial]) -> Verdict:
    """Return whether what is right elsewhere is so where inputs are large, and all is finite."""
    usual = [trial for trial in trials if trial.point.kind == "ordinary"]
    for trial in (each for each in trials if each.point.kind == "large"):
        names = ["forward", *trial.right.gradients]
        if isinstance(trial.error, NotImplementedError):
            return broken("not_written", source.raised_at(trial.error))
        if trial.error is not None:
            said = f"for large inputs {_what_raised(trial)}"
            return Verdict(False, "raises", said, source.raised_at(trial.error))
        if any(not np.isfinite(ours).all() for name in names if (ours := trial.ours(name)) is not None):
            return broken("overflow")
        right = [name for name in names if all(each.agrees(name) for each in usual)]
        if wrong := [name for name in right if not trial.agrees(name)]:
            return Verdict(False, None, f"for large inputs {_said(wrong[0])} is wrong")
    return KEPT


def _is_output_of_evaluation(trial: Trial, name: str) -> bool:
    return trial.point.kind == "evaluation" and name == "forward"


def _raised(trial: Trial, line: int | None, is_of_one_size: bool) -> Verdict:
    error = trial.error
    if isinstance(error, NotImplementedError):
        return broken("not_written", line)
    if is_of_one_size and not isinstance(error, ConfigError):
        return broken("hard_coded_shape", line)
    return Verdict(False, "raises", _what_raised(trial), line)


def _what_raised(trial: Trial) -> str:
    assert trial.error is not None
    return f"{trial.stage} raises {reason_of(trial.error)}"[:MESSAGE]


def _difference(name: str, trial: Trial) -> str:
    ours, right = trial.ours(name), trial.wanted(name)
    assert ours is not None
    inputs = next(iter(trial.point.arguments.values()))
    where = f"for an input of shape {np.shape(inputs)}"
    if ours.shape != right.shape:
        return f"{_said(name)} has shape {ours.shape} {where}, and {right.shape} is right"
    place = np.unravel_index(int(np.abs(ours - right).argmax()), right.shape)
    at = f" at {[int(each) for each in place]}" if place else ""
    return f"{_said(name)} is {ours[place]:.6g}{at} {where}, and {right[place]:.6g} is right"


def _said(name: str) -> str:
    return "the output" if name == "forward" else f"the gradient of the {name}"
