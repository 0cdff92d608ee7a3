"""Differences in a function's own few digits: no float64, no reference, but many directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from corenet.testing.gradcheck.line import typical
from corenet.testing.support.rounding import moved_by_digits
from torch import Tensor

if TYPE_CHECKING:
    from corenet_torch.trial import FunctionTrial, Upstreams

STEPS = {torch.float32: 2e-2, torch.float16: 0.06, torch.bfloat16: 0.25}  # of the typical size of a tensor
SMALLER = (1.0, 0.25, 0.0625)
OFFSETS = (1, -1, 2, -2)
FOUR, TWO = (torch.tensor(each, dtype=torch.float64) for each in ((8, -8, -1, 1), (6, -6, 0, 0)))  # / 12: the slope
GROUPS = 4
PILOTS, WATCHED, DRAWS = 8, 32, 64
SIGMAS = 5.0
FEW = 2.0  # the rounding of few elements does not average out: of n of them, 1 + 2/√n times as much is let pass
DIGITS = 4.0  # last digits that backward may round each element by
SAMPLES, SENSITIVITY = 3, 4.0  # and as many times what the last digits of its inputs change
EACH, MEAN = 16.0, 1.0  # last digits that a second difference may be off by, in a draw and on the average
STAIRS = 8.0  # last digits that an output must move by, if it moves
FEW_DIGITS = 1e-4
SMOOTH = (3.0, 6.0)  # a second difference over twice the step is four times as large, but for a kink


@dataclass(frozen=True)
class Slope:
    """How the gradient of one tensor compares: ``off`` of its size by as much, where ``power`` would have been seen."""

    name: str
    where: str
    off: float
    power: float
    is_wrong: bool


class OwnSlopes:
    r"""Compare gradients with differences along the steps that are really taken, in the function's own dtype.

    For an upstream gradient ``g`` and random ``v``, with ``x_k = round(x + k h v)`` and ``s_k = x_k − x``::

        r(h) = Σ_k c_k (g · f(x_k) − a · s_k) / h,    k = ±1, ±2,    c = (±8, ∓1) / 12

    is 0 but for rounding, ``a`` being the gradient on trial. Two tests look at 64 draws: the slope of the first sum
    against the second, with its standard error, sees a factor; and the mean of ``r(h) r(h/2)``, in which rounding
    averages out as it is another at each step, is the square of what ``a`` is off by, whatever that is. Both are made
    of all elements and of each quarter of them. Outputs that have a kink within the steps are left out.
    """

    def __init__(self, trial: FunctionTrial) -> None:
        self.trial = trial
        self.eps = torch.finfo(trial.dtype).eps
        self.generator = torch.Generator().manual_seed(trial.seed)
        passed = trial.forward()
        self.upstreams = trial.upstreams(passed)
        self.tensors = dict(zip(trial.call.names, trial.call.inputs, strict=True)) | dict(trial.parameters)

    def __iter__(self) -> Iterator[Slope]:
        for name, tensor in self.tensors.items():
            if not tensor.numel():
                continue
            step = self._step(name, tensor)
            weights = self._smooth(name, tensor, step)
            if not any(each is not None and each.any() for each in weights):
                yield Slope(name, "", 0.0, torch.inf, False)
                continue
            found = self._gradient(name, weights)
            nearby = [self._gradient(name, weights, sample) - found for sample in range(SAMPLES)]
            blur = torch.stack(nearby).abs().amax(0)
            for where, mask in _groups(tensor):
                rounded = max(DIGITS * self.eps, SENSITIVITY * _size(blur, mask) / max(_size(found, mask), 1e-300))
                yield self._judged(name, where, step, weights, found, mask, rounded)

    def _gradient(self, name: str, weights: Upstreams, sample: int | None = None) -> Tensor:
        """Return the gradient on trial; with a ``sample``, that where each number is another last digit."""
        trial = self.trial
        if sample is not None:
            moved = moved_by_digits([*trial.call.inputs, *trial.parameters.values()], trial.dtype, sample)
            count = len(trial.call.inputs)
            parameters = dict(zip(trial.parameters, moved[count:], strict=True))
            trial = replace(trial, call=trial.call.with_inputs(moved[:count]), parameters=parameters)
        return trial.of(trial.forward(), weights).gradients[name].double()

    def _judged(
        self, name: str, where: str, step: float, weights: Upstreams, ours: Tensor, mask: Tensor, rounded: float
    ) -> Slope:
        rows = [self._draw(name, ours, weights, mask, step) for _ in range(DRAWS)]
        kept = torch.tensor([row for row in rows if all(map(_is_finite, row))], dtype=torch.float64)
        if len(kept) < DRAWS // 2:
            return Slope(name, where, 0.0, torch.inf, False)
        slope, mine, curve, rest, curve_near = kept.T
        size = slope.square().mean().sqrt().clamp_min(1e-300).item()
        far, near = (slope - mine) / size, rest / size
        square, error = (far * near).mean().item(), (far.norm() * near.norm()).item() / len(kept) ** 1.5
        bend = (curve * curve_near / size**2).mean().clamp_min(0).item() / 4
        count = mask.sum().item()
        margin = 1 + FEW / count**0.5
        off, power = max(square, 0.0) ** 0.5, margin * (SIGMAS * error + bend + rounded**2) ** 0.5
        factor, unsure = _fitted(mine, slope, curve)
        unsure = margin * (unsure + rounded / count**0.5)
        if factor is not None and abs(factor - 1) > unsure:
            return Slope(name, where, abs(factor - 1), unsure, True)
        return Slope(name, where, off, power, off > power)

    def _draw(self, name: str, ours: Tensor, weights: Upstreams, mask: Tensor, step: float) -> tuple[float, ...]:
        """Return over a step the slope, ours, what the curve makes of it; over half of it the rest, and the curve."""
        signs = self._signs(mask)
        slope, mine, curve = self._over(name, ours, weights, signs, step)
        near, mine_near, curve_near = self._over(name, ours, weights, signs, step / 2)
        return slope, mine, curve, near - mine_near, curve_near

    def _over(self, name: str, ours: Tensor, weights: Upstreams, signs: Tensor, step: float) -> tuple[float, ...]:
        values, along = [], []
        for point, taken in self._points(name, signs, step):
            values.append(_weighed(point, weights))
            along.append((ours * taken).sum())
        f, a = torch.stack(values), torch.stack(along)
        slope, mine = ((FOUR * (each - each[:2].mean())).sum().item() / 12 / step for each in (f, a))
        second, second_mine = ((TWO * each).sum().item() / 12 / step for each in (f, a))
        return slope, mine, (slope - mine) - (second - second_mine)

    def _points(self, name: str, signs: Tensor, step: float) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        tensor = self.tensors[name]
        for offset in OFFSETS:
            moved = (tensor.double() + offset * step * signs).to(tensor.dtype)
            yield self._outputs(name, moved), moved.double() - tensor.double()

    def _outputs(self, name: str, moved: Tensor) -> tuple[Tensor, ...]:
        call, parameters = self.trial.call, self.trial.parameters
        if name in parameters:
            parameters = {**parameters, name: moved}
        else:
            call = call.with_inputs([moved if each == name else self.tensors[each] for each in call.names])
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.trial.seed)
            return call.outputs(parameters)

    def _step(self, name: str, tensor: Tensor) -> float:
        """Return the step of which curve and rounding leave least."""
        first = STEPS.get(tensor.dtype, 2e-2) * typical(tensor)
        ours = self._gradient(name, self.upstreams)
        whole = torch.ones_like(tensor, dtype=torch.float64)
        left = {}
        for part in SMALLER:
            signs = [self._signs(whole) for _ in range(PILOTS)]
            curves = [self._over(name, ours, self.upstreams, each, part * first)[2] for each in signs]
            left[part * first] = sum(each**2 if _is_finite(each) else torch.inf for each in curves)
        return min(left, key=left.__getitem__)

    def _smooth(self, name: str, tensor: Tensor, step: float) -> Upstreams:
        """Return the upstream gradients with zeros where an output has a kink within the steps.

        What a draw leaves within rounding may be a kink all the same: over all draws rounding averages out. Where an
        output moves by a few last digits it does not, as of a sum that is large: such are left out too.
        """
        centre = [each.double() for each in self._outputs(name, tensor)]
        kept = [torch.ones_like(each, dtype=torch.bool) for each in centre]
        bends = [torch.zeros_like(each) for each in (*centre, *centre)]
        moved = [torch.zeros_like(each) for each in centre]
        for _ in range(WATCHED):
            signs = self._signs(torch.ones_like(tensor, dtype=torch.float64))
            right, left, far, away = (outputs for outputs, _ in self._points(name, signs, step))
            for place, middle in enumerate(centre):
                near = right[place].double() + left[place].double() - 2 * middle
                wide = far[place].double() + away[place].double() - 2 * middle
                size = torch.maximum(middle.abs(), right[place].double().abs())
                kept[place] &= self._is_smooth(near, wide, EACH * size)
                moved[place] = torch.maximum(moved[place], (right[place].double() - middle).abs())
                bends[place] += near / WATCHED
                bends[len(centre) + place] += wide / WATCHED
        for place, middle in enumerate(centre):
            kept[place] &= self._is_smooth(bends[place], bends[len(centre) + place], MEAN * middle.abs())
            still = (moved[place] == 0) & ((middle == 0) | (self.eps <= FEW_DIGITS))  # else too little may show
            kept[place] &= still | (moved[place] >= STAIRS * self.eps * middle.abs()) & (moved[place] > 0)
            if self.eps > FEW_DIGITS and middle.numel() == 1 < tensor.numel():
                kept[place][...] = False  # a number made of many hardly moves by any of them
        masked = (
            each if each is None else each.where(keep, 0.0) for each, keep in zip(self.upstreams, kept, strict=True)
        )
        return tuple(masked)

    def _is_smooth(self, near: Tensor, wide: Tensor, rounding: Tensor) -> Tensor:
        """Tell where second differences over a step and over twice of it are those of a smooth function."""
        near, wide, rounding = near.abs(), wide.abs(), self.eps * rounding
        fits = (wide >= SMOOTH[0] * near) & (wide <= SMOOTH[1] * near)
        return fits | (wide <= rounding) & (near <= rounding)

    def _signs(self, mask: Tensor) -> Tensor:
        sign = 2 * torch.randint(2, mask.shape, generator=self.generator) - 1
        return (sign * (0.7 + 0.6 * torch.rand(mask.shape, generator=self.generator))).to(mask) * mask


def power_of(slopes: Iterable[Slope]) -> float:
    """Return the smallest fault, of the size of a part of a gradient, that would have been seen in any."""
    return max((each.power for each in slopes), default=torch.inf)


def _fitted(mine: Tensor, slope: Tensor, curve: Tensor) -> tuple[float | None, float]:
    """Return the slope of the differences against ours, through zero, and how far it may be from 1 by chance."""
    norm = mine.square().sum().item()
    if not norm:
        return None, 0.0
    factor = (mine * slope).sum().item() / norm
    error = ((slope - factor * mine).square().sum().item() / (len(mine) - 1) / norm) ** 0.5
    return factor, SIGMAS * error + abs((mine * curve).sum().item() / norm) / 4


def _weighed(outputs: tuple[Tensor, ...], weights: Upstreams) -> Tensor:
    terms = [
        (each.double() * weight.double()).sum()
        for each, weight in zip(outputs, weights, strict=True)
        if weight is not None
    ]
    return torch.stack(terms).sum()


def _groups(tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield all elements, and each quarter of them."""
    whole = torch.ones_like(tensor, dtype=torch.float64)
    yield "", whole
    count = tensor.numel()
    edges = [count * part // GROUPS for part in range(GROUPS + 1)] if count >= GROUPS else []
    for start, end in zip(edges, edges[1:], strict=False):
        mask = torch.zeros_like(whole).flatten()
        mask[start:end] = 1
        yield f" in elements {start} to {end - 1}", mask.view(tensor.shape)


def _size(values: Tensor, mask: Tensor) -> float:
    return float(((values * mask).square().sum() / mask.sum()).sqrt())


def _is_finite(value: float) -> bool:
    return abs(value) < torch.inf
