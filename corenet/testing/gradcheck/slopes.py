"""Slopes along many lines: each by the step of the ladder that knows it best."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from corenet.testing.gradcheck.changes import Changes
from corenet.testing.gradcheck.line import FIRST, Line
from corenet.testing.gradcheck.stencil import Stencil, stencil

GOOD = 1e-7  # a slope known to this, relative to itself or to 1/1000 of the largest, needs no other step
SMALL = 1e-3
STANDS_OUT = 100
SAFETY = 4.0  # a slope may be off by as many times the bound of its error
ROUGH = 1e3  # with so many times the rounding that must be there, it may be a fine structure that looks like rounding
REFUTED = 1e-2  # of the rounding: two steps that come closer to each other than that show that it is none
ENOUGH = 4  # slopes of which a median is taken
UPPER, ALIKE = 0.75, 4.0
BENDS = 3


class Slopes:
    """``∂(u · f)/∂t`` along each line (row) for each upstream gradient ``u`` (column), and what is known of it.

    ``value`` is the slope and ``error`` the bound of its error, infinite where no step stayed in the domain;
    ``sure`` marks slopes that have converged, or are flat up to rounding;
    ``floor`` is the part of it that rounding makes at least, ``step`` the step that knows it best.
    ``history`` has every stencil, after the lines and steps that it is of. ``excess`` is by how many
    times the rounding that the outputs show is more than the last digit of a float64.
    """

    def __init__(self, changes: Changes, lines: Sequence[Line], good: float = GOOD) -> None:
        self.changes, self.lines, self.good = changes, lines, good
        self.value = changes.centre.new_zeros(len(lines), len(changes.weights))
        self.floor = torch.zeros_like(self.value)
        self.error = torch.full_like(self.value, torch.inf)
        self.step = torch.full_like(self.value, torch.inf)
        self.sure = torch.zeros_like(self.value, dtype=torch.bool)
        self._is_bent = torch.zeros_like(self.value, dtype=torch.bool)
        self._bends = torch.zeros_like(self.value)  # the steps that found two slopes
        self.history: list[tuple[Tensor, Tensor, Stencil]] = []
        self.excess = 1.0
        self._is_spoilt: dict[int, bool] = {}
        self._unseen = torch.zeros_like(self.value)  # the slope that outputs may have which do not change far out
        self._output_rounding = changes.floor.expand_as(self.value).clone()
        if lines and changes.centre.numel():
            self._take_first_steps()
            self._go_down()
            self._go_up()

    @property
    def bent(self) -> Tensor:
        """Where even the step that knows a slope best finds two, and not by the chance of rounding: others do too."""
        return self._is_bent & (self._bends >= BENDS)

    @property
    def hidden(self) -> Tensor:
        """The slope that no difference may show, where all are exactly zero: far from here, outputs are that large."""
        tensor = self.lines[0].tensor if self.lines else self.changes.centre
        return SAFETY * self.changes.rounding_far(tensor) / self.step

    @property
    def scale(self) -> Tensor:
        """The largest slope for each upstream gradient, of those that stand out of their error; zero if none does."""
        sizes = self.value.abs()
        return sizes.where(STANDS_OUT * self.error <= sizes, 0.0).amax(0) if len(sizes) else sizes.sum(0)

    def exhaust(self, chosen: list[int]) -> None:
        """Take all steps of the ladder along the ``chosen`` lines."""
        for ladder in (Line.down, Line.up):
            steps = {line: ladder(self.lines[line]) for line in chosen}
            for rung in range(max(map(len, steps.values()), default=0)):
                at = [line for line in chosen if rung < len(steps[line])]
                self._visit(at, [steps[line][rung] for line in at])
        self._doubt(chosen)

    def _take_first_steps(self) -> None:
        every = list(range(len(self.lines)))
        self._visit(every, [FIRST * line.scale for line in self.lines])
        self.excess = _excess(self.history[0][2])
        if self.excess > 1:
            self.history.clear()
            self._bends.fill_(0)
            self.error.fill_(torch.inf)
            self.step.fill_(torch.inf)
            self.sure.fill_(False)
            self._visit(every, [FIRST * line.scale for line in self.lines])

    def _go_down(self) -> None:
        """Take smaller steps where a curve, a kink or the edge of the domain spoils the last ones."""
        self._look_far(self._unsettled())
        active = [line for line in self._unsettled() if self._is_spoilt[line]]
        steps = {line: self.lines[line].down() for line in active}
        rung = 0
        while active := [line for line in active if rung < len(steps[line])]:
            better = self._visit(active, [steps[line][rung] for line in active])
            left = set(self._unsettled())
            active = [line for line in active if line in left and (line in better or self._is_spoilt[line])]
            rung += 1

    def _go_up(self) -> None:
        """Take larger steps where rounding spoils the best ones, for as long as they help."""
        active = [line for line in self._unsettled() if not self.bent[line].any()]
        steps = {line: self.lines[line].up() for line in active}
        failed = dict.fromkeys(active, 0)
        rung = 0
        while active := [line for line in active if rung < len(steps[line]) and failed[line] < 2]:
            better = self._visit(active, [steps[line][rung] for line in active])
            failed = {line: 0 if line in better else failed[line] + 1 for line in active}
            left = set(self._unsettled())
            active = [line for line in active if line in left]
            rung += 1

    def _visit(self, chosen: list[int], steps: list[float]) -> set[int]:
        """Take one step along each of the ``chosen`` lines; return those of which it knows a slope better."""
        if not chosen:
            return set()
        at = torch.tensor(chosen, device=self.value.device)
        changes, exact = self.changes([self.lines[line] for line in chosen], steps)
        found = stencil(changes, exact, self.excess * self._output_rounding[at])
        found = found._replace(floor=self._floor(found) + self._unseen[at])
        step = exact[:, :1].expand_as(found.slope)
        self.history.append((at, step, found))
        error = self._error(at, step, found)
        better = self._is_better(at, step, found, error)
        for kept, new in zip(
            (self.value, self.error, self.floor, self._is_bent, self.step, self.sure),
            (found.slope, error, found.floor, found.bent, step, found.converged | found.flat),
            strict=True,
        ):
            kept[at] = torch.where(better, new, kept[at])
        self._bends[at] += found.bent
        spoilt = (found.bent | ~found.flat | (self.excess > ROUGH)).any(1)
        self._is_spoilt |= dict(zip(chosen, spoilt.tolist(), strict=True))
        return {line for line, is_better in zip(chosen, better.any(1).tolist(), strict=True) if is_better}

    def _floor(self, found: Stencil) -> Tensor:
        """Return the rounding that is there in any case, less by the excess where two steps come to one slope.

        What scatters over long steps may be a ripple, which over short ones is smooth, where rounding scatters still.
        """
        smooth = (found.slope != 0) & (found.truncation + found.scatter <= REFUTED * found.floor)
        return torch.where(smooth, found.floor / self.excess, found.floor) if self.excess > ROUGH else found.floor

    def _doubt(self, chosen: list[int]) -> None:
        """Raise the error of a slope to what other steps show.

        What scatters at shorter steps is rounding, as they have less of a curve; by chance, as it goes by a lattice, it
        may miss the five points of one step. And two steps that are both sure can't contradict each other: a part of a
        sum that is tiny beside the rest does not move over a short step, and no five points show what they lack.
        """
        error = self.error.clone()
        for at, step, found in self.history:
            scatter = ((found.truncation + found.scatter) * step / self.step[at]).where(step < self.step[at], 0.0)
            gap = (found.slope - self.value[at]).abs()
            contradicts = found.converged & (gap > found.error) & (gap <= SMALL * self.value[at].abs())
            lack = gap.where(contradicts, 0.0)
            error[at] = torch.maximum(error[at], torch.maximum(scatter, lack).nan_to_num(0, 0, 0))
        self.error[chosen] = error[chosen]

    def _error(self, at: Tensor, step: Tensor, found: Stencil) -> Tensor:
        """Return the bound of the error: of a slope that has not converged, the steeper side may be the whole truth.

        Where a longer step has converged before, most of the distance from there is that one's error.
        """
        before = self.sure[at] & found.converged & (8 * step < self.step[at])
        closer = torch.minimum(found.error, (found.slope - self.value[at]).abs() + found.rounding)
        error = torch.where(before, closer, found.error)
        return torch.where(found.converged | found.flat, error, torch.maximum(error, found.steepest))

    def _is_better(self, at: Tensor, step: Tensor, found: Stencil, error: Tensor) -> Tensor:
        """Return where a stencil knows a slope better than the best before.

        A bounded function has small differences over long steps, and small errors, but not its slope. So what
        has not converged is better only by a shorter step, and what has, unless a shorter step is sure of another
        slope. An output that no longer changes where a longer step has found a slope is at the end of its digits.
        """
        sure = self.sure[at]
        agrees = (found.slope - self.value[at]).abs() <= SAFETY * (error + self.error[at])
        less = (error < self.error[at]) & (agrees | (step < self.step[at]))
        had_slope = sure & (self.value[at].abs() > SAFETY * self.error[at])
        converges = found.converged & (less | ~sure)
        nearer = ~sure & ~found.flat & (step < self.step[at])
        return found.slope.isfinite() & (converges | (found.flat & less & ~had_slope) | nearer)

    def _unsettled(self) -> list[int]:
        reference = torch.maximum(self.value.abs(), SMALL * self.scale)
        settled = (self.error <= self.good * reference).all(1)
        return torch.nonzero(~settled).flatten().tolist()

    def _look_far(self, chosen: list[int]) -> None:
        """Tell the outputs that depend on a line from those that do not change even far out; take its first step anew.

        What does not change over a distance has less of a slope than its rounding over that distance.
        """
        changed = []
        for line in chosen if self.changes.centre.numel() > 1 else []:
            depends, distance = self.changes.depends(self.lines[line])
            rounding = self.changes.rounding(depends)
            if (2 * rounding < self._output_rounding[line]).any():
                self._output_rounding[line] = rounding
                self._unseen[line] = self.changes.rounding(~depends) / distance
                changed.append(line)
        self._visit(changed, [FIRST * self.lines[line].scale for line in changed])


def _excess(first: Stencil) -> float:
    """Return the median of the scatter in units of the rounding that must be there, where it is rounding that scatters.

    The errors of a curve show in ``truncation`` before they show in the scatter, rounding shows in both alike. Rounding
    that goes by a lattice is often nothing at some points.
    """
    known = first.converged & ~first.bent & (first.floor > 0) & (first.slope != 0)
    scatter, truncation = ((each / first.floor)[known] for each in (first.scatter, first.truncation))
    some = scatter[scatter > 0]
    if len(some) < ENOUGH or truncation.quantile(UPPER) > ALIKE * scatter.quantile(UPPER):
        return 1.0
    return max(1.0, some.median().item())
