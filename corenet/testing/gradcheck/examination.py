"""One component's gradients, measured and judged tensor by tensor."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache, cached_property

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.sequential import label
from corenet.errors import ShapeError
from corenet.testing.gradcheck.accumulation import refill
from corenet.testing.gradcheck.changes import Changes
from corenet.testing.gradcheck.dependence import depends
from corenet.testing.gradcheck.deterministic import Deterministic
from corenet.testing.gradcheck.directional import along_directions
from corenet.testing.gradcheck.explainer import Explainer
from corenet.testing.gradcheck.line import elements
from corenet.testing.gradcheck.noise import EXCESS, gradient_noise, loses_digits, precision
from corenet.testing.gradcheck.outputs import Outputs
from corenet.testing.gradcheck.power import judge
from corenet.testing.gradcheck.repeatable import refuse_other_output, refuse_unrepeatable
from corenet.testing.gradcheck.report import GradientReport, TensorReport
from corenet.testing.gradcheck.slopes import GOOD, SAFETY, Slopes

SMALL_OUTPUT = 12
UPSTREAMS = 2
THOROUGH = 8  # samples of the rounding in a gradient that looks wrong
UNCLEAR = 1e-3
HALVES = 1e-9  # of the largest: two sums of one gradient may add in another order
FLAT = "flat here: every difference is 0, so a wrong factor would not show; take other inputs"
INDEPENDENT = "the output does not depend on it, so its gradient is 0"
FEW_DIGITS = "forward computes in {}: its output has too few digits for differences; keep the input's dtype"
EXPLAINING = 15.0  # seconds for all tensors: most edits of a layer are tried in one
MOVED = 2.0**-12  # relative: enough for an input to have more digits than a float32


class Examination:
    """A component with its inputs, the gradients that it gives, and the slopes that these should be."""

    def __init__(self, function: Deterministic, rtol: float, atol: float, most: int) -> None:
        self.function, self.rtol, self.atol, self.most = function, rtol, atol, most
        self.outputs = function.first_outputs()
        self.output = self.outputs.joined().to(torch.float64, copy=True)
        self.upstreams = _upstreams(function, self.outputs, self.output)
        refuse_unrepeatable(function, self.upstreams[0])
        refill(function, self.upstreams[0])
        self.ours = [function.gradients(upstream) for upstream in self.upstreams]
        changes = Changes(function, self.output, self.upstreams)
        good = min(max(GOOD, rtol / 10), 1e-3)
        self.lines = {name: elements(tensor, most) for name, tensor in function.tensors().items()}
        self.slopes = {name: Slopes(changes, lines, good) for name, lines in self.lines.items()}
        self._noise_of = cache(self._gradient_noise)

    def report(self) -> GradientReport:
        """Return what there is to say of each tensor."""
        tensors: list[TensorReport] = []
        for name, tensor in self.function.tensors().items():
            self._refuse_shape(name)
            tensors.append(self._judged(name))
            if tensors[-1].ok and tensor.numel() > self.most:
                tensors += self._whole(name, tensor)
        tensors += self._other_halves()
        refuse_other_output(self.function, self.output, "a later")
        return GradientReport(label(self.function.subject), tuple(tensors), self._reason(tensors), self._note())

    def _judged(self, name: str) -> TensorReport:
        shape = tuple(self.function.tensors()[name].shape)
        if not self.output.isfinite().any():
            return TensorReport(name, shape, 0, 0, 0.0, self.rtol, power=torch.inf, status="inconclusive")
        ours, slopes = self._rows(name, [each[name] for each in self.ours]), self.slopes[name]
        found = judge(ours, slopes, self.rtol, self.atol, self._noise(name, (0,), 1))
        columns: set[int] = set()
        while suspects := set(torch.nonzero(found.wrong.any(0)).flatten().tolist()) - columns:
            columns |= suspects
            found = judge(ours, slopes, self.rtol, self.atol, self._noise(name, tuple(columns | {0}), THOROUGH))
        report = TensorReport(name, shape, rtol=self.rtol, **found.figures(self.lines[name]))
        if report.status == "wrong":
            return replace(report, diagnosis=self._explainer()(name, [each[name] for each in self.ours]))
        return self._without_slope(report) if report.checked and found.is_flat else report

    def _without_slope(self, report: TensorReport) -> TensorReport:
        if depends(self.function, self.output, self.function.tensors()[report.name]):
            return replace(report, power=torch.inf, flat=True, note=FLAT, status="inconclusive")
        return replace(report, power=None, note=INDEPENDENT, status="agrees")

    def _whole(self, name: str, tensor: Tensor) -> list[TensorReport]:
        changes = Changes(self.function, self.output, self.upstreams[:1])
        found = along_directions(name, changes, tensor, self.ours[0][name][None], self.rtol, self.atol)
        return [] if found is None else [found]

    def _rows(self, name: str, gradients: list[Tensor]) -> Tensor:
        """Return the elements that were measured of each gradient, an element in a row."""
        return torch.stack([gradient.flatten() for gradient in gradients], 1)[self._places(name)]

    def _places(self, name: str) -> Tensor:
        """Return where the measured elements are in the flattened tensor."""
        return torch.tensor([line.place for line in self.lines[name]], dtype=torch.long, device=self.output.device)

    def _noise(self, name: str, columns: tuple[int, ...], samples: int) -> Tensor:
        """Return how exactly backward computes the measured elements, for some upstream gradients; 0 for others."""
        noise = torch.zeros_like(self.slopes[name].value)
        noise[:, columns] = self._rows(name, [self._noise_of(column, samples)[name] for column in columns])
        return noise

    @cached_property
    def _is_rough(self) -> bool:
        """Whether backward itself rounds to fewer digits than float64's, which is a fault and not to be allowed for."""
        return loses_digits(lambda: self.function.gradients(self.upstreams[0]))

    def _gradient_noise(self, column: int, samples: int) -> dict[str, Tensor]:
        if self._is_rough:
            return {name: torch.zeros_like(each) for name, each in self.ours[column].items()}
        return gradient_noise(self.function, self.upstreams[column], self.ours[column], self._straight(), samples)

    def _straight(self) -> dict[str, Tensor]:
        """Return how far each element may be moved, for all that is known, before its slope changes."""
        found = {}
        for name, tensor in self.function.tensors().items():
            reach = torch.full((tensor.numel(),), torch.inf, dtype=tensor.dtype, device=tensor.device)
            reach[self._places(name)] = self.slopes[name].step.amin(1)
            found[name] = reach.view(tensor.shape)
        return found

    @cached_property
    def _until(self) -> float:
        """When to look no longer for an edit that makes a gradient right: a step of a recurrence takes its time."""
        return time.monotonic() + EXPLAINING

    def _explainer(self) -> Explainer:
        numeric, tolerance = {}, {}
        for name, tensor in self.function.tensors().items():
            slopes, shape = self.slopes[name], (len(self.upstreams), *tensor.shape)
            value, allowed = (torch.full(shape, torch.nan, dtype=torch.float64, device=tensor.device) for _ in range(2))
            places = self._places(name)
            known = slopes.error <= UNCLEAR * torch.maximum(slopes.value.abs(), slopes.scale)
            value.view(shape[0], -1)[:, places] = slopes.value.where(known, torch.inf).T
            allowed.view(shape[0], -1)[:, places] = (
                SAFETY * slopes.error + self.rtol * slopes.value.abs() + self.atol
            ).T
            numeric[name], tolerance[name] = value, allowed
        return Explainer(self.function, self.outputs, self.upstreams, numeric, tolerance, self._until)

    def _refuse_shape(self, name: str) -> None:
        """Raise if a gradient has another shape than the tensor it is of."""
        wanted = tuple(self.function.tensors()[name].shape)
        gradients = [each[name] for each in self.ours]
        for gradient in gradients:
            if gradient.shape != wanted:
                why = self._explainer()(name, gradients).replace("\n", " · ")
                expected = f"expected {wanted}{f'; {why}' if why else ''}"
                raise ShapeError(f"{self.function.subject!r}: the gradient of {name}", gradient.shape, expected)

    def _other_halves(self) -> list[TensorReport]:
        """Return a report for each parameter that ``backward_parameters`` gives another gradient than ``backward``."""
        reports = []
        for name, half in self.function.half_gradients(self.upstreams[0]).items():
            whole = self.ours[0][name]
            gap = (half - whole).abs().nan_to_num(nan=torch.inf)
            size = torch.maximum(whole.abs(), HALVES / self.rtol * whole.abs().max()) if whole.numel() else whole
            if (gap > self.rtol * size).any():
                at = tuple(map(int, torch.unravel_index(gap.argmax(), gap.shape)))
                error = (gap / size).nan_to_num(nan=torch.inf).max().item()
                reports.append(
                    TensorReport(
                        name,
                        tuple(whole.shape),
                        checked=whole.numel(),
                        kinks=0,
                        error=error,
                        rtol=self.rtol,
                        index=at,
                        ours=half[at].item(),
                        numeric=whole[at].item(),
                        diagnosis=self._against_whole()(name, [half]),
                        status="wrong",
                        how="by backward_parameters",
                    )
                )
        return reports

    def _against_whole(self) -> Explainer:
        whole = {name: each[None] for name, each in self.ours[0].items()}
        tolerance = {name: self.rtol * each.abs() for name, each in whole.items()}
        return Explainer(self.function, self.outputs, self.upstreams[:1], whole, tolerance, self._until)

    def _reason(self, tensors: list[TensorReport]) -> str:
        """Return why the whole check is inconclusive: forward computes with fewer digits, and it shows."""
        rough = max((slopes.excess for slopes in self.slopes.values()), default=1.0)
        if rough <= EXCESS and not any(tensor.unclear for tensor in tensors):
            return ""
        found = precision(self.function, self._output_nearby())
        return "" if found == torch.float64 else FEW_DIGITS.format(str(found).removeprefix("torch."))

    def _output_nearby(self) -> Tensor:
        """Return the output for tensors with float64's digits, of nothing if that is out of the domain."""
        tensors = self.function.tensors().values()
        before = [(tensor, tensor.clone()) for tensor in tensors]
        try:
            for tensor in tensors:
                tensor += MOVED * tensor * torch.rand_like(tensor)
            return self.function()
        except Exception:  # noqa: BLE001 - a stranger's code may refuse a point in any way; it took the centre
            return self.output.flatten()[:0]
        finally:
            for tensor, old in before:
                tensor.copy_(old)

    def _note(self) -> str:
        """Return where forward is not finite, or that there is no output."""
        if not self.output.numel():
            return f"forward gives no element, but the shape {tuple(self.output.shape)}"
        lost = ~self.output.isfinite()
        if not lost.any():
            return ""
        first = tuple(torch.nonzero(lost)[0].tolist())
        return (
            f"forward is not finite at {int(lost.sum())} of {lost.numel()} outputs, "
            f"first at [{', '.join(map(str, first))}]: {self.output[first].item()}"
        )


def _upstreams(function: Deterministic, outputs: Outputs, output: Tensor) -> list[Tensor]:
    if isinstance(function.subject, Loss):
        return [torch.ones_like(output)]  # a loss has no upstream: its gradient is that of the sum
    found = [torch.randn_like(output) for _ in range(UPSTREAMS)]
    if output.numel() <= SMALL_OUTPUT:
        eye = torch.eye(output.numel(), dtype=output.dtype, device=output.device)
        found += [row.view_as(output) for row in eye]
    return [outputs.weighed(each).where(output.isfinite(), 0.0) for each in found]  # nothing finite comes from there
