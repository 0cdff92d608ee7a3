"""What a step of a model takes, layer by layer: shapes, parameters, memory, operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from corenet.contracts.module import Module
from corenet.contracts.sequential import first_trained, label
from corenet.contracts.several import each_of
from corenet.errors import CorenetError
from corenet.registry.collect import reason_of
from corenet.report.trace.observe import layers


@dataclass
class LayerSummary:
    """One layer: shapes and bytes of its outputs, its parameters, and the FLOPs of a step through it."""

    path: str
    label: str
    outputs: list[list[int]]
    parameters: int
    trained: int
    bytes: int
    flops: int = 0


@dataclass(frozen=True)
class ModelSummary:
    """The layers that a step came through, and why it came no further, if it did not.

    ``bytes`` are those of parameters, of gradients, and of the outputs of all layers; ``flops`` count products and sums
    of matrix products and convolutions, forward and backward.
    """

    inputs: list[list[int]]
    layers: tuple[LayerSummary, ...]
    failed: str
    bytes: dict[str, int]

    @property
    def parameters(self) -> int:
        """The number of parameters of these layers; a shared one counts once for each."""
        return sum(each.parameters for each in self.layers)

    @property
    def flops(self) -> int:
        """The operations of a step."""
        return sum(each.flops for each in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON."""
        return {**asdict(self), "parameters": self.parameters, "flops": self.flops}


def summarize(model: Module, *inputs: Tensor) -> ModelSummary:
    """Return what a step on ``inputs`` takes; a layer that cannot take what it is given ends it.

    >>> import corenet as cn
    >>> found = summarize(cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(4, 1)), torch.zeros(5, 2))
    >>> [each.outputs for each in found.layers], found.failed
    ([[[5, 3]], [[5, 3]]], '[2] Linear(4 → 1): Linear(4 → 1) got (5, 3); expected last dimension 4')
    """
    model.train()
    passed: list[tuple[Module, LayerSummary, tuple[Tensor, ...]]] = []
    values, failed = tuple(inputs), ""
    for path, layer in layers(model):
        try:
            with FlopCounterMode(display=False) as counter:
                outputs = each_of(layer(*values))
        except Exception as error:  # noqa: BLE001 - a stranger's layer may raise anything; the summary says what
            failed = f"[{path}] {label(layer)}: {_why(error)}"
            break
        passed.append((layer, _summary(path, layer, outputs, counter.get_total_flops()), outputs))
        values = outputs
    failed = failed or _backward(passed)
    model.forget()
    found = tuple(summary for _, summary, _ in passed)
    return ModelSummary([list(each.shape) for each in inputs], found, failed, _bytes(model, found))


def _summary(path: str, layer: Module, outputs: Sequence[Tensor], flops: int) -> LayerSummary:
    parameters = layer.parameters()
    count = sum(each.numel() for each in parameters)
    size = sum(each.numel() * each.element_size() for each in outputs)
    shapes = [list(each.shape) for each in outputs]
    return LayerSummary(path, label(layer), shapes, count, 0 if layer.frozen else count, size, flops)


def _backward(passed: Sequence[tuple[Module, LayerSummary, tuple[Tensor, ...]]]) -> str:
    """Run every layer backward, as a training does, and add what that takes; return why one could not."""
    first = first_trained([layer for layer, _, _ in passed])
    for layer, summary, outputs in reversed(passed[first:]):
        gradients = [torch.zeros_like(each) if each.is_floating_point() else None for each in outputs]
        try:
            with FlopCounterMode(display=False) as counter:
                layer.backward_parameters(*gradients) if layer is passed[first][0] else layer.backward(*gradients)
        except Exception as error:  # noqa: BLE001 - as above
            return f"[{summary.path}] {summary.label}, backward: {_why(error)}"
        summary.flops += counter.get_total_flops()
    return ""


def _bytes(model: Module, found: Sequence[LayerSummary]) -> dict[str, int]:
    parameters = sum(each.numel() * each.element_size() for each in model.parameters())
    return {"parameters": parameters, "gradients": parameters, "outputs": sum(each.bytes for each in found)}


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, CorenetError) else reason_of(error)
