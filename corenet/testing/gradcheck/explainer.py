"""What the gradient check tells the diagnosis of a wrong gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from corenet.testing.diagnosis.diagnosis import Diagnosis
from corenet.testing.diagnosis.evidence import Evidence
from corenet.testing.diagnosis.explain import explain
from corenet.testing.diagnosis.source_lines import where
from corenet.testing.gradcheck.changes import Changes
from corenet.testing.gradcheck.deterministic import Deterministic
from corenet.testing.gradcheck.line import elements
from corenet.testing.gradcheck.pointwise import is_diagonal, preimage, slope_at
from corenet.testing.gradcheck.slopes import Slopes

LARGEST_JACOBIAN = 50_000
LARGEST_OUTPUT = 1000
CLEAR = 1e-3


@dataclass(frozen=True)
class Explainer:
    """Explains gradients of one component.

    ``numeric`` has, by name, the right ones for each of ``upstreams``, infinite where there is none and NaN where
    it was not computed, and ``tolerance`` how far a gradient may be from them.
    """

    function: Deterministic
    output: Tensor
    upstreams: Sequence[Tensor]
    numeric: Mapping[str, Tensor]
    tolerance: Mapping[str, Tensor]

    def __call__(self, name: str, ours: Sequence[Tensor]) -> str:
        """Return what ``ours``, one of which is wrong, likely means, and in a second line where it is computed."""
        try:
            return str(self._diagnosis(name, ours))
        except Exception:  # noqa: BLE001 - a failing explanation must not replace the finding it explains
            return where(self.function.subject, name)

    def _diagnosis(self, name: str, ours: Sequence[Tensor]) -> Diagnosis:
        row = next(row for row, each in enumerate(ours) if self._is_wrong(name, row, each))
        evidence = partial(self._evidence, name, ours[row], row)
        return explain(self.function.subject, name, evidence, partial(self._is_right, name))

    def _is_right(self, name: str) -> bool:
        """Tell whether the component, as it stands now, gives the right gradient of ``name``."""
        pairs = [(each, each.clone()) for each in (*self.function.inputs, *self.function.tensors().values())]
        try:
            found = (self.function.gradients(upstream)[name] for upstream in self.upstreams)
            return not any(self._is_wrong(name, row, each) for row, each in enumerate(found))
        except Exception:  # noqa: BLE001 - a stranger's code may raise anything
            return False
        finally:
            self.function.forget()
            for tensor, before in pairs:  # an edit of the source may write to its arguments
                tensor.copy_(before)

    def _is_wrong(self, name: str, row: int, ours: Tensor) -> bool:
        return _wrong(ours, self.numeric[name][row], self.tolerance[name][row])

    def _evidence(self, name: str, ours: Tensor, row: int) -> Evidence:
        tensors, upstream = self.function.tensors(), self.upstreams[row]
        jacobian = _jacobian(self.function, tensors[name], self.output)
        pointwise = name == "input" and jacobian is not None and is_diagonal(jacobian, self.output)
        return Evidence(
            name,
            ours,
            self.numeric[name][row],
            upstream,
            self.function.inputs[0],
            self.output,
            tensors[name],
            jacobian=jacobian,
            at_output=slope_at(self.function, self.output) * upstream if pointwise else None,
            at_preimage=slope_at(self.function, preimage(self.function)) * upstream if pointwise else None,
            others={other: found[row] for other, found in self.numeric.items() if other != name},
            parameters={other: tensor for other, tensor in tensors.items() if other != "input"},
            previous=self.function.previous or 1.0,
            settings={each: value for each, value in vars(self.function.subject).items() if _is_setting(value)},
        )


def _is_setting(value: object) -> bool:
    return isinstance(value, float) and value not in (0, 1)


def _wrong(ours: Tensor, numeric: Tensor, tolerance: Tensor) -> bool:
    if ours.shape != numeric.shape:
        return True
    known = numeric.isfinite()
    return not bool(((ours - numeric).abs() <= tolerance)[known].all())


def _jacobian(function: Deterministic, tensor: Tensor, output: Tensor) -> Tensor | None:
    """Return ``∂output/∂tensor``, NaN where there is no derivative, or None if it is too large."""
    if tensor.numel() * output.numel() > LARGEST_JACOBIAN or output.numel() > LARGEST_OUTPUT:
        return None
    each = list(torch.eye(output.numel(), dtype=output.dtype, device=output.device))
    slopes = Slopes(Changes(function, output, each), elements(tensor))
    known = slopes.error <= CLEAR * torch.maximum(slopes.value.abs(), slopes.scale)
    return slopes.value.where(known, torch.nan).view(*tensor.shape, *output.shape)
