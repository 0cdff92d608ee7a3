"""The steps that ``corenet trace`` shows: the first of an experiment, or one of a small network around a module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.module import Module
from corenet.contracts.sequential import Sequential
from corenet.contracts.several import each_of
from corenet.data import stream
from corenet.errors import ConfigError
from corenet.experiments.building import build
from corenet.experiments.experiment import experiment
from corenet.experiments.parts import rounds_of
from corenet.registry.registry import get
from corenet.report.trace.step_trace import StepTrace, trace_step
from corenet.testing.support.guess import cases_of, told_of_guesses
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable
from corenet.training.draws import drawing_from

LR = 0.1


def trace_experiment(name: str, recipe: str, seed: int, batch_size: int | None = None) -> tuple[str, StepTrace]:
    """Return a title and the trace of the first step that ``corenet reproduce`` does with this seed.

    >>> title, traced = trace_experiment("003a", "reported", seed=0)
    >>> title, traced.ok
    ('003a, reported recipe, seed 0: the first step', True)
    """
    chosen = experiment(name)
    settings = replace(chosen.recipes[recipe], seed=seed)
    parts = next(rounds_of(settings, chosen.folder))
    train = parts.train
    if batch_size is not None and batch_size > len(train):
        raise ConfigError(f"--batch-size {batch_size}: the experiment has {len(train)} points to train on")
    with drawing_from(stream("weights", seed), train.inputs.device):
        model, loss, optimizer = build(settings, parts, chosen.folder)
    input, target = next(train.batches(batch_size or settings.batch_size, seed))
    with drawing_from(seed, train.inputs.device):
        traced = trace_step(model, loss, optimizer, input, target)
    return f"{chosen.id}, {recipe} recipe, seed {seed}: the first step", traced


def trace_module(cls: type[Module], name: str, seed: int, batch_size: int | None = None) -> tuple[str, StepTrace]:
    """Return a title and the trace of a step of a linear layer, the module, and another linear layer.

    The module is built from its first conformance case. The layer before it starts as the
    identity, so that the module's input lies in its domain; several inputs, or integers, come from nowhere.
    Several outputs are laid side by side.

    Raises:
        ConfigError: the module cannot be built from its case, or takes no such input.

    >>> import corenet as cn
    >>> title, traced = trace_module(cn.Tanh, "corenet:tanh", seed=0)
    >>> title, [layer.label for layer in traced.layers]
    ('corenet:tanh between two linear layers, seed 0', ['Linear(3 → 3)', 'Tanh()', 'Linear(3 → 1)'])
    """
    trial = Trial(cls, cases_of(cls)[0], seed)
    if batch_size is not None:
        try:
            trial = trial.of_rows(batch_size)
        except NotApplicable as error:
            raise ConfigError(f"a batch of {batch_size} for {name} cannot be made: {error}") from error
    inputs = trial.inputs()
    with seeded(seed), told_of_guesses(trial.case):
        model, place = _network(trial.build(), inputs)
        with evaluating(model):
            target = torch.randn_like(model(*inputs))
        loss, optimizer = get("loss", "mse")(), get("optimizer", "sgd")(model.parameters(), lr=LR)
        traced = trace_step(model, loss, optimizer, inputs, target)
    return f"{name} {place}, seed {seed}", traced


def _network(module: Module, inputs: tuple[Tensor, ...]) -> tuple[Sequential, str]:
    """Return a small network around a module, and where in it the module is."""
    linear: Callable[..., Module] = get("module", "linear")
    with evaluating(module):
        output = module(*inputs)
    numbers = [each for each in each_of(output) if each.is_floating_point()]
    if not numbers:
        raise ConfigError(f"{module!r} gives integers alone, which have no gradient: there is no step to trace")
    several: list[Module] = [SideBySide()] if isinstance(output, tuple) else []
    width = sum(each.numel() for each in numbers) if several else output.shape[-1]
    behind = [module, *several, linear(width, 1)]
    if len(inputs) > 1 or not inputs[0].is_floating_point():
        return WithInputGradient(*behind).to(dtype=torch.float64), "before a linear layer"
    (input,) = inputs
    first = linear(input.shape[-1], input.shape[-1])
    first.load_state_dict({"weight": torch.eye(input.shape[-1]), "bias": torch.zeros(input.shape[-1])})
    return Sequential(first, *behind).to(dtype=input.dtype), "between two linear layers"


class WithInputGradient(Sequential):
    """A chain whose first module goes backward too, needed or not, so that it can be seen."""

    def backward_parameters(self, *grad_outputs: Tensor) -> None:
        self.backward(*grad_outputs)


class SideBySide(Module):
    """All numbers of several tensors in one row, without integers, which have no gradient."""

    def forward(self, *inputs: Tensor) -> Tensor:
        self.save(*(each.shape if each.is_floating_point() else None for each in inputs))
        return torch.cat([each.reshape(1, -1) for each in inputs if each.is_floating_point()], 1)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        shapes = self.saved()
        parts = iter(grad_output.split([shape.numel() for shape in shapes if shape is not None], 1))
        return tuple(None if shape is None else next(parts).reshape(shape) for shape in shapes)
