"""By how much an output changes along lines."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from corenet.testing.gradcheck.line import Function, Line, typical
from corenet.testing.gradcheck.noise import EPS
from corenet.testing.gradcheck.stencil import offsets

CHUNK = 2**22  # output numbers held at once
FAR = 0.37
TOWARDS_ZERO = (0.5, 0.99, 1.0)  # of the way: where an exponential has come back from infinity
FAR_POINTS = 8
SEED = 5_000_011


class Changes:
    """``u · (f(θ + t d) − f(θ))`` along lines, for upstream gradients ``u``, which are the rows of ``weights``.

    ``function`` reads the tensors as they stand and gives ``output`` now. Outputs that are not finite now, such
    as masks of −∞, take no part for as long as they stay so.
    """

    def __init__(self, function: Function, output: Tensor, upstreams: Sequence[Tensor]) -> None:
        self.function = function
        self.finite = output.isfinite()
        self.all_finite = bool(self.finite.all())
        self.centre = output.where(self.finite, 0.0)
        self.weights = torch.stack([each.flatten() for each in upstreams]) * self.finite.flatten()
        self.floor = self.rounding(self.finite)

    def rounding(self, which: Tensor) -> Tensor:
        """Return how much rounding there is in ``u · f`` of the outputs ``which``: of the last digit of each."""
        return _length(self.weights * (self.centre * which).flatten() * EPS)

    def __call__(self, lines: Sequence[Line], steps: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Return the changes (line, offset, upstream) in the stencil of a step along each line, and its offsets."""
        size = max(1, CHUNK // (4 * max(1, self.centre.numel())))
        parts = [self._part(lines[at : at + size], steps[at : at + size]) for at in range(0, len(lines), size)]
        changes, exact = zip(*parts, strict=True)
        return torch.cat(changes), torch.cat(exact)

    def depends(self, line: Line) -> tuple[Tensor, float]:
        """Return which outputs change, or leave the domain, far out along a line, all if none does; and how far."""
        far = self._far(line)
        found = torch.zeros_like(self.finite)
        for step in (far, -far):
            found |= self._difference(line, step)[0] != 0  # NaN is not zero
        return found if found.any() else torch.ones_like(found), far

    def leaves_domain(self, line: Line) -> bool:
        """Tell whether far out along a line, or towards 0, an output is finite that is not here, or is not that is."""
        far, own = self._far(line), line.tensor[line.index].item() if line.direction is None else 0.0
        steps = (far, -far, *(-part * own for part in TOWARDS_ZERO))
        return any(self._difference(line, step)[0].isnan().any() for step in steps)

    def rounding_far(self, tensor: Tensor) -> Tensor:
        """Return the rounding in ``u · f`` if all outputs were as large as the largest with ``tensor`` far off."""
        generator = torch.Generator().manual_seed(SEED)  # of its own: the function resets torch's
        reach = max(typical(tensor), tensor.abs().max().item())
        largest = self.centre.abs().max()
        for _ in range(FAR_POINTS):
            drawn = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype).to(tensor.device)
            difference, _ = self._difference(Line(tensor, 1.0, direction=reach * drawn), 1.0)
            largest = torch.maximum(largest, (self.centre + difference).abs().nan_to_num(0, 0, 0).max())
        return _length(self.weights) * largest * EPS

    def _far(self, line: Line) -> float:
        return FAR * max(line.scale, line.tensor.abs().max().item() if line.direction is None else 0.0)

    def _part(self, lines: Sequence[Line], steps: Sequence[float]) -> tuple[Tensor, Tensor]:
        found = [
            self._difference(line, offset) for line, step in zip(lines, steps, strict=True) for offset in offsets(step)
        ]
        differences = torch.stack([difference.flatten() for difference, _ in found])
        exact = self.centre.new_tensor([offset for _, offset in found])
        return (differences @ self.weights.T).view(len(lines), 4, -1), exact.view(len(lines), 4)

    def _difference(self, line: Line, step: float) -> tuple[Tensor, float]:
        """Return ``f(θ + step · d) − f(θ)``, NaN outside of the domain of ``f``, and the step as float64 rounds it."""
        with line.moved(step) as exact:
            try:
                output = self.function()
            except Exception:  # noqa: BLE001 - a stranger's code may refuse a point in any way; it took the centre
                return torch.full_like(self.centre, torch.nan), exact
        if output.shape != self.centre.shape:
            return torch.full_like(self.centre, torch.nan), exact
        if self.all_finite:
            return output - self.centre, exact
        stays = output.isfinite() == self.finite
        return (output - self.centre).where(self.finite, 0.0).where(stays, torch.nan), exact


def _length(rows: Tensor) -> Tensor:
    """Return the length of each row: independent errors add up like that."""
    largest = rows.abs().amax(1, keepdim=True) if rows.numel() else rows.sum(1, keepdim=True)
    unit = (rows / largest).nan_to_num(0, 0, 0)  # squares of numbers near 1e200 are infinite
    return largest[:, 0] * unit.square().sum(1).sqrt()
