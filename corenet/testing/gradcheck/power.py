"""Which elements of a gradient agree, which are wrong, and the smallest fault that would have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from corenet.testing.gradcheck.line import Line
from corenet.testing.gradcheck.report import WEAK
from corenet.testing.gradcheck.slopes import SAFETY, Slopes

KINK = 1e-4  # a kink of less than this is compared within what it leaves open
OWN = 1e-4  # an element that cannot be judged to this of itself is judged by the largest
CONFIDENT = 1e-2
AT_ONCE = 32


@dataclass(frozen=True)
class Judgement:
    """A gradient against slopes, for each element (row) and upstream gradient (column).

    ``tolerance`` is how far they may be apart. ``comparable`` marks where there is a slope to compare with,
    ``wrong`` where the gradient differs from it.
    """

    ours: Tensor
    slopes: Slopes
    tolerance: Tensor
    comparable: Tensor

    @property
    def wrong(self) -> Tensor:
        """Where the gradient is further from the slope than the tolerance."""
        return self.comparable & ~((self.ours - self.slopes.value).abs() <= self.tolerance)

    @property
    def left_out(self) -> Tensor:
        """The elements that could not be compared for some upstream gradient."""
        return ~self.comparable.all(1)

    @property
    def at_edge(self) -> Tensor:
        """The elements left out because no step, however small, stayed in the domain, or an output is infinite."""
        return self.left_out & (self.slopes.error.isinf() | ~self.ours.isfinite()).any(1)

    @property
    def at_kink(self) -> Tensor:
        """The elements left out because the slopes of their two sides differ."""
        return (self.slopes.bent & ~self.comparable).any(1) & ~self.at_edge

    @property
    def is_flat(self) -> bool:
        """Whether no slope is more than its error, and no element of the gradient either."""
        none = self.slopes.value.abs() <= self.slopes.error
        return bool((none & (self.ours.abs() <= self.tolerance))[self.comparable].all())

    @property
    def errors(self) -> Tensor:
        """How far the gradient is from the slope: relative to it, or to the largest where it is too small for that."""
        value = self.slopes.value.abs()
        clear = self.tolerance + self.slopes.error <= WEAK * value
        size = torch.where(clear, value, torch.maximum(value, self.slopes.scale))
        gap = (self.ours - self.slopes.value).abs().nan_to_num(nan=torch.inf)
        told = self.wrong | (self.comparable & (gap > 0) & (size > self.tolerance))
        size = torch.where(size > self.tolerance, size, self.ours.abs())
        return torch.where(told, gap / size, 0.0).nan_to_num(nan=torch.inf)

    def figures(self, lines: Sequence[Line]) -> dict[str, Any]:
        """Return the counts, the worst element, the power and the status, as the fields of a report have them."""
        power, small = self.power()
        found: dict[str, Any] = {
            "checked": int((~self.left_out).sum()),
            "kinks": int(self.at_kink.sum()),
            "edges": int(self.at_edge.sum()),
            "unclear": int((self.left_out & ~self.at_kink & ~self.at_edge).sum()),
            "error": self.errors.max().item() if self.ours.numel() else 0.0,
            "power": power,
            "small": small,
            "status": "wrong" if self.wrong.any() else "agrees" if power <= WEAK else "inconclusive",
        }
        if self.ours.numel():
            row, column = divmod(int(self._priority().argmax()), self.ours.shape[1])
            found["index"] = lines[row].index
            found["ours"], found["numeric"] = self.ours[row, column].item(), self.slopes.value[row, column].item()
        return found

    def _priority(self) -> Tensor:
        """Return what is worst: of wrong elements the relative error, of others too, but after all wrong ones."""
        error = self.errors
        return torch.where(self.wrong, 1 + error, error / (1 + error))

    def power(self) -> tuple[float, int]:
        """Return the smallest relative fault of any element that would have been seen, and how many are too small.

        A fault of ``p`` times an element moves it by more than the tolerance and the slope's own error if
        ``p > (tolerance + error) / |slope|``, for the upstream gradient for which that is least. Elements that
        are too small for it, some zero among them, are judged by the largest, and counted if they are not zero.
        """
        seen = (self.tolerance + self.slopes.error).where(self.comparable, torch.inf)
        own = (seen / self.slopes.value.abs()).nan_to_num(nan=torch.inf).amin(1)
        by_largest = (seen / self.slopes.scale).nan_to_num(nan=torch.inf).amin(1)
        compared = ~self.left_out
        if not compared.any():
            return torch.inf, 0
        small = compared & (own > max(OWN, 10 * own[compared].min().item()))
        is_zero = (self.ours == 0).all(1) & (self.slopes.value.abs() <= self.slopes.error).all(1)
        power = torch.where(small, by_largest, own)[compared].max().item()
        return power, int((small & ~is_zero).sum())


def judge(ours: Tensor, slopes: Slopes, rtol: float, atol: float, noise: Tensor) -> Judgement:
    """Compare the gradient ``ours`` with the slopes; ``noise`` is how exactly it is computed.

    Of the elements that look wrong, the worst are measured once more, with all steps of the ladder. Where one of
    these finds just the slope that ours is, the function has another slope at another scale, as a rounded
    one has: no step can say which is meant.
    """
    checked: set[int] = set()
    contested = _infinite(ours, slopes)
    while True:
        found = _compare(ours, slopes, rtol, atol, noise, contested)
        suspects = _worst(found, checked)
        if not suspects:
            return found
        checked |= set(suspects)
        slopes.exhaust(suspects)
        contested |= _supported(found, slopes)
        if (contested & (slopes.value == 0)).any():  # a staircase: its slope over short steps says nothing
            contested |= (slopes.value == 0) & found.wrong
        found = _compare(ours, slopes, rtol, atol, noise, contested)
        if found.wrong[suspects].any():
            return found


def _compare(ours: Tensor, slopes: Slopes, rtol: float, atol: float, noise: Tensor, contested: Tensor) -> Judgement:
    value, scale = slopes.value.abs(), slopes.scale
    tolerance = SAFETY * (slopes.error + noise) + rtol * value + atol
    unseen = (value == 0) & (ours.abs() > tolerance)
    if unseen.any():
        tolerance = torch.where(unseen, torch.maximum(tolerance, slopes.hidden), tolerance)
    kink = slopes.bent & (tolerance > KINK * value)
    largest = torch.maximum(value, scale.expand_as(value))
    only_rounding = (scale == 0) & (slopes.error <= 8 * slopes.floor)
    known = slopes.sure | (tolerance <= WEAK * largest)
    comparable = known & slopes.error.isfinite() & ~kink & ~contested & ((tolerance <= largest) | only_rounding)
    comparable &= ~(kink.any(1, keepdim=True) & (value == 0))  # each of equal numbers, moved alone, is never the median
    comparable &= ours.isfinite() | comparable.all(1, keepdim=True)  # 0 times the infinite slope of a root at 0
    return Judgement(ours, slopes, tolerance, comparable)


def _infinite(ours: Tensor, slopes: Slopes) -> Tensor:
    """Return where the gradient is not finite as an output is not: one that would be finite at another place."""
    found = ~ours.isfinite() & (not slopes.changes.all_finite)
    for line in torch.nonzero(found.any(1)).flatten().tolist():
        found[line] &= slopes.changes.leaves_domain(slopes.lines[line])
    return found


def _worst(found: Judgement, checked: set[int]) -> list[int]:
    excess = torch.where(found.wrong, found.errors, 0.0).amax(1) if len(found.ours) else found.ours.sum(1)
    order = excess.argsort(descending=True).tolist()
    return [line for line in order if excess[line] > 0 and line not in checked][:AT_ONCE]


def _supported(found: Judgement, slopes: Slopes) -> Tensor:
    """Return where a wrong element is another slope, which some step knows as exactly as the best does."""
    supported = torch.zeros_like(found.comparable)
    for at, _, each in slopes.history:
        best = slopes.value[at]
        clear = (best == 0) | (each.error <= CONFIDENT * torch.maximum(each.slope.abs(), best.abs()))
        other = (each.slope - best).abs() > SAFETY * (each.error + slopes.error[at])
        agrees = (found.ours[at] - each.slope).abs() <= SAFETY * each.error + KINK * each.slope.abs()
        supported[at] |= clear & (each.converged | each.flat) & other & agrees
    return supported & found.wrong
