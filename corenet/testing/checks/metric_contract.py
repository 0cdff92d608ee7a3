"""What every metric promises: the number of all points, however they come, and nothing else changed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.metric_value import value_of
from corenet.errors import ConfigError
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.support.copiers import copiers
from corenet.testing.support.metric_points import Points, points_for
from corenet.testing.support.no_autograd import no_autograd
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation

METRIC_CONTRACT_CHECKS = Checks("metric")
CUTS = ((1, 22), (7, 7, 9), (20, 2, 1), (1,) * 23)
DOUBLE, SINGLE = 1e-9, 1e-3


@METRIC_CONTRACT_CHECKS.add(since="0.2", after=())
def runs(trial: Trial) -> None:
    """It is a number, or several if it says so, that are finite, of 23 points and of one."""
    for count in (23, 1):
        metric = trial.build()
        value = _number(_measured(metric, [points_for(trial, count)]))
        try:
            value_of(type(metric).__name__, metric)
        except ConfigError as error:
            raise Violation(str(error)) from error
        if count > 1 and not value.isfinite().all():
            raise Violation(f"of {count} points it is {value.tolist()!r:.80}, not finite")


@METRIC_CONTRACT_CHECKS.add(since="0.2")
def arguments_unchanged(trial: Trial) -> None:
    """``update`` changes neither output nor target."""
    points = points_for(trial, 23)
    before = [each.clone() for each in points]
    _measured(trial.build(), [points])
    for name, now, then in zip(("output", "target"), points, before, strict=True):
        if not torch.equal(now, then):
            raise Violation(f"update() changes its {name}", f"work on {name}.clone()")


@METRIC_CONTRACT_CHECKS.add(since="0.2", after=("runs", "arguments_unchanged"))
def streams(trial: Trial) -> None:
    """It is the same number however the points are cut into pieces."""
    points = points_for(trial, sum(CUTS[0]))
    whole = _number(_measured(trial.build(), [points]))
    for cut in CUTS:
        _must_agree(
            f"in pieces of {', '.join(map(str, cut[:3]))} … points", _measured(trial.build(), points.cut(cut)), whole
        )


@METRIC_CONTRACT_CHECKS.add(since="0.2", after=("runs", "arguments_unchanged", "streams"))
def resets(trial: Trial) -> None:
    """After a reset it is that of the points since, and asking for it changes nothing."""
    points, others = points_for(trial, 23), points_for(trial, 11, seed=1)
    whole = _number(_measured(trial.build(), [points]))
    metric = trial.build()
    _measured(metric, [others])
    _must_agree("after a reset", _measured(metric, [points]), whole)
    _must_agree("asked a second time", metric.compute(), whole)
    metric.reset()
    metric.update(*points.cut((7, 16))[0])
    metric.compute()
    metric.update(*points.cut((7, 16))[1])
    _must_agree("asked in the midst", metric.compute(), whole)


@METRIC_CONTRACT_CHECKS.add(since="0.2", after=("runs", "arguments_unchanged"))
def keeps_no_view(trial: Trial) -> None:
    """What is written to output and target afterwards does not count: their memory may be used again."""
    points = points_for(trial, 23)
    whole = _number(_measured(trial.build(), [points]))
    metric = trial.build()
    metric.reset()
    passing = Points(*(each.clone() for each in points))
    metric.update(*passing)
    for each in passing:
        each.zero_()
    _must_agree("after output and target were overwritten", metric.compute(), whole, "keep a copy: output.clone()")


@METRIC_CONTRACT_CHECKS.add(since="0.2")
def float32(trial: Trial) -> None:
    """In float32 it agrees with float64 within its precision."""
    points = points_for(trial, 23)
    if not any(each.is_floating_point() for each in points):
        raise NotApplicable("it reads no floating-point numbers")
    single = Points(*(each.float() if each.is_floating_point() else each for each in points))
    whole = _number(_measured(trial.build(), [points]))
    _must_agree("in float32", _measured(trial.build(), [single]), whole, tolerance=SINGLE)


@METRIC_CONTRACT_CHECKS.add(since="0.2", after=("runs", "arguments_unchanged", "streams"))
def copies(trial: Trial) -> None:
    """A deep copy and a pickled copy, made in the midst, go on by themselves."""
    first, rest = points_for(trial, 23).cut((7, 16))
    whole = _number(_measured(trial.build(), [first, rest]))
    for how, duplicate in copiers(trial.build()).items():
        metric = trial.build()
        metric.reset()
        metric.update(*first)
        try:
            other = duplicate(metric)
        except Exception as error:
            raise Violation(f"{how} raises {reason_of(error)}") from error
        other.update(*rest)
        _must_agree(f"of {how}", other.compute(), whole)
        metric.update(*rest)
        _must_agree(f"after {how}", metric.compute(), whole)


@METRIC_CONTRACT_CHECKS.add(since="0.2")
def no_borrowed_gradient(trial: Trial) -> None:
    """It never uses torch's autograd."""
    with no_autograd():
        _measured(trial.build(), [points_for(trial, 23)])


def _measured(metric: Any, pieces: Iterable[Points]) -> Any:
    metric.reset()
    for piece in pieces:
        metric.update(*piece)
    return metric.compute()


def _number(value: Any) -> Tensor:
    """Return what ``compute`` returned as a tensor."""
    try:
        return torch.as_tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Violation(f"compute() returns {value!r:.80}, not a number or several") from error


def _must_agree(how: str, value: Any, whole: Tensor, diagnosis: str = "", tolerance: float = DOUBLE) -> None:
    found = _number(value)
    if found.shape != whole.shape or not torch.allclose(found, whole, tolerance, tolerance, equal_nan=True):
        raise Violation(f"{how} it is {_brief(found)}, not {_brief(whole)}", diagnosis)


def _brief(value: Tensor) -> str:
    return f"{value.item():.6g}" if value.dim() == 0 and not math.isnan(value.item()) else f"{value.tolist()!r:.80}"
