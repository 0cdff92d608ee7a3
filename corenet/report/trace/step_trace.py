"""One step of training, layer by layer: what each computed, what it passed back, and whether that is right."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import torch
from click import unstyle
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.penalties import collected, with_penalties
from corenet.contracts.sequential import label
from corenet.contracts.several import Tensors, each_of
from corenet.errors import CorenetError, StructureError
from corenet.registry.sanitize import plain
from corenet.report.trace.layer_check import ELEMENTS, LayerCheck, check_layer
from corenet.report.trace.layer_trace import LayerTrace, ParameterTrace
from corenet.report.trace.observe import Observation, layers, observe
from corenet.report.trace.tensor_summary import TensorSummary
from corenet.testing.gradcheck.arguments import input_names
from corenet.testing.gradcheck.report import finite_or_none
from corenet.training.step import train_step


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

    def __str__(self) -> str:
        from corenet.report.trace.table import trace_tables

        return unstyle("\n".join(trace_tables(self)))

    def numbers(self) -> str:
        """Return the step in numbers: each tensor of 64 at most as a matrix, beside the formulas of its layer."""
        from corenet.report.trace.numbers import trace_numbers

        return unstyle("\n".join(trace_numbers(self)))

    def _repr_html_(self) -> str:
        from corenet.report.trace.page import page

        return f'<iframe srcdoc="{escape(page(self, "one step"))}" style="width:100%;height:40rem;border:0"></iframe>'

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain values, for JSON."""
        loss = {"label": self.loss, "before": finite_or_none(self.before), "after": finite_or_none(self.after)}
        return {
            "ok": self.ok,
            "layers": [layer.to_dict() for layer in self.layers],
            "loss": {**loss, "check": self.loss_check.to_dict()},
            "optimizer": self.optimizer,
        }


def trace_step(
    model: Module, loss: Loss, optimizer: Optimizer, input: Tensors, target: Tensors, most: int = ELEMENTS
) -> StepTrace:
    """Do one step of training, :func:`~corenet.train_step` itself, and return what happened in each layer.

    The layers are the modules of a :class:`~corenet.Sequential`, and of those within it. Each is
    checked against central differences on its input in this step, with the weights from before
    the step, at up to ``most`` elements of each tensor. The loss after the step is that of
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
    traced = [_layer(each, old, most) for each, (_, old) in zip(observed, layers(before), strict=True)]
    return StepTrace(
        tuple(traced),
        plain(label(loss)),
        check_layer(loss, _output(observed), target, most=most),
        value.sum().item(),
        _value_again(model, loss, input, target, random_state),
        plain(label(optimizer)),
    )


def _layer(observation: Observation, before: Module, most: int) -> LayerTrace:
    units, dead = _dead(observation)
    inputs = input_names(before, len(observation.inputs))
    outputs = ["output"] if len(observation.outputs) == 1 else [f"output {n}" for n in range(len(observation.outputs))]
    return LayerTrace(
        observation.path,
        plain(label(observation.module)),
        type(observation.module),
        {name: TensorSummary.of(each) for name, each in zip(inputs, observation.inputs, strict=True)},
        {name: TensorSummary.of(each) for name, each in zip(outputs, observation.outputs, strict=True)},
        _summaries(outputs, observation.grad_outputs),
        _summaries(inputs, observation.grad_inputs),
        _parameters(observation, dict(before.named_parameters())),
        units,
        dead,
        check_layer(before, *observation.inputs, most=most),
        tuple(name for name, each in zip(inputs, observation.inputs, strict=True) if not each.is_floating_point()),
    )


def _parameters(observation: Observation, before: Mapping[str, Tensor]) -> tuple[ParameterTrace, ...]:
    return tuple(
        ParameterTrace(
            name,
            TensorSummary.of(before[name]),
            _summary(observation.grad_parameters.get(name)),
            (after.double() - before[name].double()).norm().item(),
            TensorSummary.of(after),
        )
        for name, after in observation.module.named_parameters()
    )


def _dead(observation: Observation) -> tuple[int | None, int | None]:
    """Return the number of units of an activation and of those that are dead; None for any other layer.

    An activation is a layer without parameters whose output has the shape of its input.
    """
    if len(observation.inputs) > 1 or len(observation.outputs) > 1:
        return None, None
    (input,), (output,) = observation.inputs, observation.outputs
    if observation.module.parameters() or input.shape != output.shape or output.dim() < 2 or not output.numel():
        return None, None
    dead = (output == 0).all(0)
    for grad_input in observation.grad_inputs:
        if grad_input is not None:
            dead |= (grad_input == 0).all(0)
    return dead.numel(), int(dead.sum())


def _value_again(model: Module, loss: Loss, input: Tensors, target: Tensors, random_state: Tensor) -> float:
    """Return the loss of the new weights, on copies, with the random numbers of the step; NaN where undefined."""
    model, loss = copy.deepcopy(model), copy.deepcopy(loss)
    device = each_of(input)[0].device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        _generator(input).set_state(random_state)
        try:
            with collected() as penalties:
                prediction = model(*each_of(input))
            return with_penalties(loss(prediction, target), penalties).sum().item()
        except CorenetError:  # too large a step leads where the loss is not defined
            return float("nan")


def _generator(input: Tensors) -> torch.Generator:
    """Return the generator that random layers draw from where ``input`` is."""
    device = each_of(input)[0].device
    if device.type == "cuda":
        generator: torch.Generator = torch.cuda.default_generators[device.index]
        return generator
    return torch.default_generator


def _output(observed: list[Observation]) -> Tensors:
    """Return what the last layer gave, in the form that the loss took it in."""
    outputs = observed[-1].outputs
    return outputs if len(outputs) > 1 else outputs[0]


def _summaries(names: list[str], tensors: tuple[Tensor | None, ...]) -> dict[str, TensorSummary | None]:
    return {name: _summary(each) for name, each in zip(names, tensors, strict=False)}


def _summary(tensor: Tensor | None) -> TensorSummary | None:
    return None if tensor is None else TensorSummary.of(tensor)
