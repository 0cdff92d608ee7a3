"""One step of training, told layer by layer: what each computed, what it passed back, and whether that is right."""

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
from corenet.report.trace.layer_check import Verdict, verdict_on
from corenet.report.trace.observe import Seen, layers, watching
from corenet.report.trace.tensor_summary import Numbers
from corenet.testing.gradcheck.report import finite_or_none
from corenet.training.step import train_step


@dataclass(frozen=True)
class ParameterTrace:
    """A parameter before the step, what its layer added to its gradient, and how far the step moved it.

    ``step`` is the norm of the change; ``ratio`` is that norm over the norm of the parameter.
    """

    name: str
    value: Numbers
    gradient: Numbers | None
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
            "gradient": _plain(self.gradient),
            "step": finite_or_none(self.step),
            "ratio": finite_or_none(self.ratio),
        }


@dataclass(frozen=True)
class LayerTrace:
    """One layer in one step: forward, backward, and the numeric check of its gradients.

    ``grad_output`` came from the layer behind, ``grad_input`` is what was passed on; the first
    layer of a model is not asked for it. Of the ``units`` of an activation, ``dead`` many are zero, or
    have a gradient of zero, for every point of the batch; both are None for any other layer.
    """

    path: str
    label: str
    module: type[Module]
    input: Numbers
    output: Numbers
    grad_output: Numbers | None
    grad_input: Numbers | None
    parameters: tuple[ParameterTrace, ...]
    units: int | None
    dead: int | None
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as plain values, for JSON."""
        return {
            "path": self.path,
            "label": self.label,
            "input": self.input.to_dict(),
            "output": self.output.to_dict(),
            "grad_output": _plain(self.grad_output),
            "grad_input": _plain(self.grad_input),
            "parameters": [parameter.to_dict() for parameter in self.parameters],
            "units": self.units,
            "dead": self.dead,
            "check": self.verdict.to_dict(),
        }


@dataclass(frozen=True)
class Trace:
    """One step of training; ``before`` and ``after`` are the loss on the same batch (summed, if unreduced)."""

    layers: tuple[LayerTrace, ...]
    loss: str
    loss_verdict: Verdict
    before: float
    after: float
    optimizer: str

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong."""
        return not any(verdict.wrong for verdict in (self.loss_verdict, *(layer.verdict for layer in self.layers)))

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain values, for JSON."""
        loss = {"label": self.loss, "before": finite_or_none(self.before), "after": finite_or_none(self.after)}
        return {
            "ok": self.ok,
            "layers": [layer.to_dict() for layer in self.layers],
            "loss": {**loss, "check": self.loss_verdict.to_dict()},
            "optimizer": self.optimizer,
        }


def trace(model: Module, loss: Loss, optimizer: Optimizer, input: Tensor, target: Tensor) -> Trace:
    """Do one step of training, :func:`~corenet.train_step` itself, and tell what happened in each layer.

    The layers are the modules of a :class:`~corenet.Sequential`, and of those within it. Each is
    checked against central differences on the input that it saw, with the weights of before
    the step; at most 200 elements of a tensor are tried. The loss after the step is of
    the same batch, in training mode, with the same random numbers as before.

    Raises:
        StructureError: the model has no layer.
        NonFiniteError: the loss or a gradient is infinite or not a number; no weight has been written.

    >>> import corenet as cn
    >>> model = cn.Sequential(cn.Linear(2, 5), cn.ReLU(), cn.Linear(5, 1))
    >>> data, optimizer = cn.data.disk(50, seed=0), cn.SGD(model.parameters(), lr=0.1)
    >>> told = trace(model, cn.MSELoss(), optimizer, data.inputs, data.targets)
    >>> told.ok, told.after < told.before
    (True, True)
    >>> [layer.output.shape for layer in told.layers]
    [(50, 5), (50, 5), (50, 1)]
    """
    if not list(layers(model)):
        raise StructureError(f"{model!r} has no layer, so there is nothing to trace")
    before, draws = copy.deepcopy(model), _generator(input).get_state()
    with watching(model) as seen:
        value = train_step(model, loss, optimizer, input, target)
    told = [_layer(each, old) for each, (_, old) in zip(seen, layers(before), strict=True)]
    return Trace(
        tuple(told),
        plain(label(loss)),
        verdict_on(loss, _output(seen[-1]), target),
        value.sum().item(),
        _value_again(model, loss, input, target, draws),
        plain(label(optimizer)),
    )


def _layer(seen: Seen, before: Module) -> LayerTrace:
    input, output = _input(seen), _output(seen)
    units, dead = _dead(seen)
    return LayerTrace(
        seen.path,
        plain(label(seen.module)),
        type(seen.module),
        Numbers.of(input),
        Numbers.of(output),
        _numbers(seen.grad_output),
        _numbers(seen.grad_input),
        _parameters(seen, dict(before.named_parameters())),
        units,
        dead,
        verdict_on(before, input),
    )


def _parameters(seen: Seen, before: Mapping[str, Tensor]) -> tuple[ParameterTrace, ...]:
    return tuple(
        ParameterTrace(
            name,
            Numbers.of(before[name]),
            _numbers(seen.grad_parameters.get(name)),
            (after.double() - before[name].double()).norm().item(),
        )
        for name, after in seen.module.named_parameters()
    )


def _dead(seen: Seen) -> tuple[int | None, int | None]:
    """Return how many units an activation has and how many are dead; one is a layer that only reshapes values."""
    input, output = _input(seen), _output(seen)
    if seen.module.parameters() or input.shape != output.shape or output.dim() < 2 or not output.numel():
        return None, None
    dead = (output == 0).all(0)
    if seen.grad_input is not None:
        dead |= (seen.grad_input == 0).all(0)
    return dead.numel(), int(dead.sum())


def _value_again(model: Module, loss: Loss, input: Tensor, target: Tensor, draws: Tensor) -> float:
    """Return the loss as it is now, on copies, with the random numbers of the step; NaN if it has none."""
    model, loss = copy.deepcopy(model), copy.deepcopy(loss)
    with torch.random.fork_rng(devices=[input.device] if input.device.type == "cuda" else []):
        _generator(input).set_state(draws)
        try:
            return loss(model(input), target).sum().item()
        except CorenetError:  # a step too long leads where the loss is not defined
            return float("nan")


def _generator(input: Tensor) -> torch.Generator:
    """Return the generator that random layers draw from where ``input`` is."""
    if input.device.type == "cuda":
        generator: torch.Generator = torch.cuda.default_generators[input.device.index]
        return generator
    return torch.default_generator


def _input(seen: Seen) -> Tensor:
    assert seen.input is not None, "a step runs every layer of a chain"
    return seen.input


def _output(seen: Seen) -> Tensor:
    assert seen.output is not None, "a step runs every layer of a chain"
    return seen.output


def _numbers(tensor: Tensor | None) -> Numbers | None:
    return None if tensor is None else Numbers.of(tensor)


def _plain(numbers: Numbers | None) -> dict[str, Any] | None:
    return None if numbers is None else numbers.to_dict()
