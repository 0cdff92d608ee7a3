"""What the gradient check tells the diagnosis of a wrong gradient."""

from __future__ import annotations

import math
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
from corenet.testing.gradcheck.outputs import Outputs
from corenet.testing.gradcheck.pointwise import is_diagonal, preimage, slope_at
from corenet.testing.gradcheck.slopes import Slopes

LARGEST_JACOBIAN = 50_000
LARGEST_OUTPUT = 1000
CLEAR = 1e-3


@dataclass(frozen=True)
class Explainer:
    """Explains gradients of one component.

    ``numeric`` has, by name, the right ones for each of ``upstreams``, infinite where there is none and NaN where
    it was not computed, and ``tolerance`` how far a gradient may be from them. The search for an edit that makes one
    right ends at ``until``, of the monotonic clock.
    """

    function: Deterministic
    outputs: Outputs
    upstreams: Sequence[Tensor]
    numeric: Mapping[str, Tensor]
    tolerance: Mapping[str, Tensor]
    until: float = math.inf

    def __call__(self, name: str, ours: Sequence[Tensor]) -> str:
        """Return what ``ours``, one of which is wrong, likely means, and in a second line where it is computed."""
        try:
            return str(self._diagnosis(name, ours))
        except Exception:  # noqa: BLE001 - a failing explanation must not replace the finding it explains
            return where(self.function.subject, self._written_as(name))

    def _diagnosis(self, name: str, ours: Sequence[Tensor]) -> Diagnosis:
        row = next(row for row, each in enumerate(ours) if self._is_wrong(name, row, each))
        evidence = partial(self._evidence, name, ours[row], row)
        gradients = partial(self.function.gradients, self.upstreams[row])
        return explain(
            self.function.subject,
            self._written_as(name),
            evidence,
            partial(self._is_right, name),
            gradients,
            self.until,
        )

    def _written_as(self, name: str) -> str:
        """Return by which name the source is searched: what ``backward`` returns is of the input, or of all of them."""
        return "input" if self.function.is_input(name) else name

    def _is_right(self, name: str) -> bool:
        """Tell whether the component, as it stands now, gives the right gradient of ``name``."""
        tensors = {**self.function.arguments.tensors, **self.function.tensors()}
        pairs = [(each, each.clone()) for each in tensors.values()]
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
        function, upstream, output = self.function, self.upstreams[row], self.outputs.joined()
        given, tensors = function.arguments.tensors, function.tensors()
        value, input_name = tensors[name], name if function.is_input(name) else next(iter(given))
        input = given[input_name].double()
        jacobian = _jacobian(function, value, output)
        pointwise = function.is_input(name) and jacobian is not None and is_diagonal(jacobian, output)
        return Evidence(
            name,
            ours,
            self.numeric[name][row],
            upstream,
            input,
            output,
            value,
            jacobian=jacobian,
            at_output=slope_at(function, value, output) * upstream if pointwise else None,
            at_preimage=slope_at(function, value, preimage(function, value)) * upstream if pointwise else None,
            others={other: found[row] for other, found in self.numeric.items() if other != name},
            parameters={other: each.double() for other, each in {**given, **tensors}.items() if other != input_name},
            previous=function.previous or 1.0,
            settings={each: value for each, value in vars(function.subject).items() if _is_setting(value)},
            input_name=input_name,
            integers={other: each for other, each in given.items() if not each.is_floating_point()},
            output_sizes=self.outputs.sizes,
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
    return slopes.value.where(known, torch.nan).view((*tensor.shape, *output.shape))
