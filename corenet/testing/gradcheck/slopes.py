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
ENOUGH = 4  # slopes of which a median is taken


class Slopes:
    """``∂(u · f)/∂t`` along each line (row) for each upstream gradient ``u`` (column), and what is known of it.

    ``value`` is the slope and ``error`` the bound of its error, infinite where no step stayed in the domain;
    ``sure`` marks slopes that have converged, or are flat up to rounding;
    ``floor`` is the part of it that rounding makes at least; ``bent`` marks where even the step that knows it best
    finds two slopes. ``history`` has every stencil, with the lines that it is of. ``excess`` is by how many
    times the rounding that the outputs show is more than the last digit of a float64.
    """

    def __init__(self, changes: Changes, lines: Sequence[Line], good: float = GOOD) -> None:
        self.changes, self.lines, self.good = changes, lines, good
        self.value = changes.centre.new_zeros(len(lines), len(changes.weights))
        self.floor = torch.zeros_like(self.value)
        self.error = torch.full_like(self.value, torch.inf)
        self._step = torch.full_like(self.value, torch.inf)  # of the stencil that knows best
        self.sure = torch.zeros_like(self.value, dtype=torch.bool)
        self.bent = torch.zeros_like(self.value, dtype=torch.bool)
        self.history: list[tuple[Tensor, Stencil]] = []
        self.excess = 1.0
        self._is_spoilt: dict[int, bool] = {}
        self._unseen = torch.zeros_like(self.value)  # the slope that outputs may have which do not change far out
        self._output_rounding = changes.floor.expand_as(self.value).clone()
        if lines and changes.centre.numel():
            self._take_first_steps()
            self._go_down()
            self._go_up()

    @property
    def hidden(self) -> Tensor:
        """The slope that no difference may show, where all are exactly zero: far from here, outputs are that large."""
        tensor = self.lines[0].tensor if self.lines else self.changes.centre
        return SAFETY * self.changes.rounding_far(tensor) / self._step

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

    def _take_first_steps(self) -> None:
        every = list(range(len(self.lines)))
        self._visit(every, [FIRST * line.scale for line in self.lines])
        self.excess = _excess(self.history[0][1])
        if self.excess > 1:
            self.history.clear()
            self.error.fill_(torch.inf)
            self._step.fill_(torch.inf)
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
        found = found._replace(floor=found.floor + self._unseen[at])
        self.history.append((at, found))
        step = exact[:, :1].expand_as(found.slope)
        error = self._error(at, step, found)
        better = self._is_better(at, step, found, error)
        for kept, new in zip(
            (self.value, self.error, self.floor, self.bent, self._step, self.sure),
            (found.slope, error, found.floor, found.bent, step, found.converged | found.flat),
            strict=True,
        ):
            kept[at] = torch.where(better, new, kept[at])
        spoilt = (found.bent | ~found.flat).any(1)
        self._is_spoilt |= dict(zip(chosen, spoilt.tolist(), strict=True))
        return {line for line, is_better in zip(chosen, better.any(1).tolist(), strict=True) if is_better}

    def _error(self, at: Tensor, step: Tensor, found: Stencil) -> Tensor:
        """Return the bound of the error: of a slope that has not converged, the steeper side may be the whole truth.

        Where a longer step has converged before, most of the distance from there is that one's error.
        """
        before = self.sure[at] & found.converged & (8 * step < self._step[at])
        closer = torch.minimum(found.error, (found.slope - self.value[at]).abs() + found.rounding)
        error = torch.where(before, closer, found.error)
        return torch.where(found.converged | found.flat, error, torch.maximum(error, found.steepest))

    def _is_better(self, at: Tensor, step: Tensor, found: Stencil, error: Tensor) -> Tensor:
        """Return where a stencil knows a slope better than the best before.

        A bounded function has small differences over long steps, and small errors, but not its slope. So what
        has not converged is better only by a shorter step, and what has, always. An output that no longer changes
        where a longer step has found a slope is at the end of its digits.
        """
        less, sure = error < self.error[at], self.sure[at]
        had_slope = sure & (self.value[at].abs() > SAFETY * self.error[at])
        converges = found.converged & (less | ~sure)
        nearer = ~sure & ~found.flat & (step < self._step[at])
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

    The errors of a curve show in ``truncation`` before they show in the scatter, rounding shows in both alike.
    """
    known = first.converged & ~first.bent & (first.floor > 0) & (first.slope != 0)
    found = known & (first.truncation <= 2 * first.rounding)
    if int(found.sum()) < max(ENOUGH, int(known.sum()) / 2):
        return 1.0
    return max(1.0, (first.scatter / first.floor)[found].median().item())
