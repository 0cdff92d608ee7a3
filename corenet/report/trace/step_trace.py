"""One step of training, layer by layer: what each computed, what it passed back, and whether that is right."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.sequential import label
from corenet.errors import CorenetError, StructureError
from corenet.registry.sanitize import plain
from corenet.report.trace.layer_check import LayerCheck, check_layer
from corenet.report.trace.observe import Observation, layers, observe
from corenet.report.trace.tensor_summary import TensorSummary
from corenet.testing.gradcheck.report import finite_or_none
from corenet.training.step import train_step


@dataclass(frozen=True)
class ParameterTrace:
    """A parameter before the step, what its layer added to its gradient, and how far the step moved it.

    ``step`` is the norm of the change; ``ratio`` is that norm over the norm of the parameter.
    """

    name: str
    value: TensorSummary
    gradient: TensorSummary | None
    step: float

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
        }


@dataclass(frozen=True)
class LayerTrace:
    """One layer in one step: forward, backward, and the numeric ``check`` of its gradients.

    ``grad_output`` came from the next layer, ``grad_input`` went to the previous one; the first
    layer computes none. Of the ``units`` of an activation, ``dead`` many are zero, or
    have a gradient of zero, for every point of the batch; both are None for any other layer.
    """

    path: str
    label: str
    module: type[Module]
    input: TensorSummary
    output: TensorSummary
    grad_output: TensorSummary | None
    grad_input: TensorSummary | None
    parameters: tuple[ParameterTrace, ...]
    units: int | None
    dead: int | None
    check: LayerCheck

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as plain values, for JSON."""
        return {
            "path": self.path,
            "label": self.label,
            "input": self.input.to_dict(),
            "output": self.output.to_dict(),
            "grad_output": _dict_or_none(self.grad_output),
            "grad_input": _dict_or_none(self.grad_input),
            "parameters": [parameter.to_dict() for parameter in self.parameters],
            "units": self.units,
            "dead": self.dead,
            "check": self.check.to_dict(),
        }


@dataclass(frozen=True)
class StepTrace:
    """One step of training; ``before`` and ``after`` are the loss on the same batch (summed, if unreduced)."""

    layers: tuple[LayerTrace, ...]
    loss: str
    loss_check: LayerCheck
    before: float
    after: float
    optimizer: str

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong."""
        return not any(check.wrong for check in (self.loss_check, *(layer.check for layer in self.layers)))

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain values, for JSON."""
        loss = {"label": self.loss, "before": finite_or_none(self.before), "after": finite_or_none(self.after)}
        return {
            "ok": self.ok,
            "layers": [layer.to_dict() for layer in self.layers],
            "loss": {**loss, "check": self.loss_check.to_dict()},
            "optimizer": self.optimizer,
        }


def trace_step(model: Module, loss: Loss, optimizer: Optimizer, input: Tensor, target: Tensor) -> StepTrace:
    """Do one step of training, :func:`~corenet.train_step` itself, and return what happened in each layer.

    The layers are the modules of a :class:`~corenet.Sequential`, and of those within it. Each is
    checked against central differences on its input in this step, with the weights from before
    the step, at up to 200 elements of each tensor. The loss after the step is that of
    the same batch, in training mode, with the same random numbers.

    Raises:
        StructureError: the model has no layer.
        NonFiniteError: the loss or a gradient is infinite or not a number; no weight has been written.

    >>> import corenet as cn
    >>> model = cn.Sequential(cn.Linear(2, 5), cn.ReLU(), cn.Linear(5, 1))
    >>> data, optimizer = cn.data.disk(50, seed=0), cn.SGD(model.parameters(), lr=0.1)
    >>> traced = trace_step(model, cn.MSELoss(), optimizer, data.inputs, data.targets)
    >>> traced.ok, traced.after < traced.before
    (True, True)
    >>> [layer.output.shape for layer in traced.layers]
    [(50, 5), (50, 5), (50, 1)]
    """
    if not list(layers(model)):
        raise StructureError(f"{model!r} has no layer to trace; give it at least one module")
    before, random_state = copy.deepcopy(model), _generator(input).get_state()
    with observe(model) as observed:
        value = train_step(model, loss, optimizer, input, target)
    traced = [_layer(each, old) for each, (_, old) in zip(observed, layers(before), strict=True)]
    return StepTrace(
        tuple(traced),
        plain(label(loss)),
        check_layer(loss, _output(observed[-1]), target),
        value.sum().item(),
        _value_again(model, loss, input, target, random_state),
        plain(label(optimizer)),
    )


def _layer(observation: Observation, before: Module) -> LayerTrace:
    input, output = _input(observation), _output(observation)
    units, dead = _dead(observation)
    return LayerTrace(
        observation.path,
        plain(label(observation.module)),
        type(observation.module),
        TensorSummary.of(input),
        TensorSummary.of(output),
        _summary(observation.grad_output),
        _summary(observation.grad_input),
        _parameters(observation, dict(before.named_parameters())),
        units,
        dead,
        check_layer(before, input),
    )


def _parameters(observation: Observation, before: Mapping[str, Tensor]) -> tuple[ParameterTrace, ...]:
    return tuple(
        ParameterTrace(
            name,
            TensorSummary.of(before[name]),
            _summary(observation.grad_parameters.get(name)),
            (after.double() - before[name].double()).norm().item(),
        )
        for name, after in observation.module.named_parameters()
    )


def _dead(observation: Observation) -> tuple[int | None, int | None]:
    """Return the number of units of an activation and of those that are dead; None for any other layer.

    An activation is a layer without parameters whose output has the shape of its input.
    """
    input, output = _input(observation), _output(observation)
    if observation.module.parameters() or input.shape != output.shape or output.dim() < 2 or not output.numel():
        return None, None
    dead = (output == 0).all(0)
    if observation.grad_input is not None:
        dead |= (observation.grad_input == 0).all(0)
    return dead.numel(), int(dead.sum())


def _value_again(model: Module, loss: Loss, input: Tensor, target: Tensor, random_state: Tensor) -> float:
    """Return the loss of the new weights, on copies, with the random numbers of the step; NaN where undefined."""
    model, loss = copy.deepcopy(model), copy.deepcopy(loss)
    with torch.random.fork_rng(devices=[input.device] if input.device.type == "cuda" else []):
        _generator(input).set_state(random_state)
        try:
            return loss(model(input), target).sum().item()
        except CorenetError:  # too large a step leads where the loss is not defined
            return float("nan")


def _generator(input: Tensor) -> torch.Generator:
    """Return the generator that random layers draw from where ``input`` is."""
    if input.device.type == "cuda":
        generator: torch.Generator = torch.cuda.default_generators[input.device.index]
        return generator
    return torch.default_generator


def _input(observation: Observation) -> Tensor:
    assert observation.input is not None, "a step runs every layer of a Sequential"
    return observation.input


def _output(observation: Observation) -> Tensor:
    assert observation.output is not None, "a step runs every layer of a Sequential"
    return observation.output


def _summary(tensor: Tensor | None) -> TensorSummary | None:
    return None if tensor is None else TensorSummary.of(tensor)


def _dict_or_none(summary: TensorSummary | None) -> dict[str, Any] | None:
    return None if summary is None else summary.to_dict()
