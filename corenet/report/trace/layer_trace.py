"""One layer in one step: its tensors summarised, its parameters, and the check of its gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corenet.contracts.module import Module
from corenet.report.trace.layer_check import LayerCheck
from corenet.report.trace.tensor_summary import TensorSummary
from corenet.testing.gradcheck.report import finite_or_none


@dataclass(frozen=True)
class ParameterTrace:
    """A parameter before the step and after it, what its layer added to its gradient, and how far the step moved it.

    ``step`` is the norm of the change; ``ratio`` is that norm over the norm of the parameter.
    """

    name: str
    value: TensorSummary
    gradient: TensorSummary | None
    step: float
    after: TensorSummary

    @property
    def ratio(self) -> float | None:
        """The size of the step relative to the parameter; None where that is zero."""
        return self.step / self.value.norm if self.value.norm else None

    def to_dict(self) -> dict[str, Any]:
        """Return the parameter as plain values, for JSON."""
        return {
            "name": self.name,
            "value": self.value.to_dict(),
            "gradient": _dict_or_none(self.gradient),
            "step": finite_or_none(self.step),
            "ratio": finite_or_none(self.ratio),
            "after": self.after.to_dict(),
        }


@dataclass(frozen=True)
class LayerTrace:
    """One layer in one step: forward, backward, and the numeric ``check`` of its gradients.

    ``grad_outputs`` came from the next layer, ``grad_inputs`` went to the previous one; the first layer computes none,
    and ``integers``, the names of such inputs, have None. Each is by name: ``input`` and ``output`` where there is
    one. Of the ``units`` of an activation, ``dead`` many are zero, or have a gradient of zero, for every point of the
    batch; both are None for any other layer.
    """

    path: str
    label: str
    module: type[Module]
    inputs: Mapping[str, TensorSummary]
    outputs: Mapping[str, TensorSummary]
    grad_outputs: Mapping[str, TensorSummary | None]
    grad_inputs: Mapping[str, TensorSummary | None]
    parameters: tuple[ParameterTrace, ...]
    units: int | None
    dead: int | None
    check: LayerCheck
    integers: tuple[str, ...] = ()

    @property
    def input(self) -> TensorSummary:
        """The input, the first of several."""
        return next(iter(self.inputs.values()))

    @property
    def output(self) -> TensorSummary:
        """The output, the first of several."""
        return next(iter(self.outputs.values()))

    @property
    def grad_output(self) -> TensorSummary | None:
        """The gradient of the output, the first of several."""
        return next(iter(self.grad_outputs.values()), None)

    @property
    def grad_input(self) -> TensorSummary | None:
        """The gradient of the input, the first of several."""
        return next(iter(self.grad_inputs.values()), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as plain values, for JSON; of several tensors the first is by itself too."""
        tensors = {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "grad_outputs": self.grad_outputs,
            "grad_inputs": self.grad_inputs,
        }
        return {
            "path": self.path,
            "label": self.label,
            "input": self.input.to_dict(),
            "output": self.output.to_dict(),
            "grad_output": _dict_or_none(self.grad_output),
            "grad_input": _dict_or_none(self.grad_input),
            **{what: {name: _dict_or_none(each) for name, each in named.items()} for what, named in tensors.items()},
            "parameters": [parameter.to_dict() for parameter in self.parameters],
            "units": self.units,
            "dead": self.dead,
            "check": self.check.to_dict(),
        }


def _dict_or_none(summary: TensorSummary | None) -> dict[str, Any] | None:
    return None if summary is None else summary.to_dict()
