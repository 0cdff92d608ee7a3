"""The steps that ``corenet trace`` shows: the first of an experiment, or one of a small network around a module."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.module import Module
from corenet.contracts.sequential import Sequential
from corenet.data import stream
from corenet.experiments.run import build, data_of
from corenet.experiments.schema import experiment
from corenet.registry.registry import get
from corenet.report.trace.step_trace import StepTrace, trace_step
from corenet.testing.support.trial import Trial, cases_of, seeded
from corenet.training.draws import drawing_from

LR = 0.1


def trace_experiment(name: str, recipe: str, seed: int, batch_size: int | None = None) -> tuple[str, StepTrace]:
    """Return a title and the trace of the first step that ``corenet reproduce`` does with this seed.

    >>> title, traced = trace_experiment("003a", "reported", seed=0)
    >>> title, traced.ok
    ('003a, reported recipe, seed 0: the first step', True)
    """
    chosen = experiment(name)
    settings = chosen.recipes[recipe]
    train, _, _ = data_of(settings, seed)
    with drawing_from(stream("weights", seed), train.inputs.device):
        model, loss, optimizer = build(settings)
    input, target = next(train.batches(batch_size or settings.batch_size, seed))
    with drawing_from(seed, train.inputs.device):
        traced = trace_step(model, loss, optimizer, input, target)
    return f"{chosen.id}, {recipe} recipe, seed {seed}: the first step", traced


def trace_module(cls: type[Module], name: str, seed: int, batch_size: int | None = None) -> tuple[str, StepTrace]:
    """Return a title and the trace of a step of a linear layer, the module, and another linear layer.

    The module is built from its first conformance case. The layer before it starts as the
    identity, so that the module's input lies in its domain.

    Raises:
        ConfigError: the module cannot be built from its case, or takes no such input.

    >>> import corenet as cn
    >>> title, traced = trace_module(cn.Tanh, "corenet:tanh", seed=0)
    >>> title, [layer.label for layer in traced.layers]
    ('corenet:tanh between two linear layers, seed 0', ['Linear(3 → 3)', 'Tanh()', 'Linear(3 → 1)'])
    """
    trial = Trial(cls, cases_of(cls)[0], seed)
    shape = trial.case.shape
    input = trial.input((batch_size, *shape[1:]) if batch_size else shape)
    with seeded(seed):
        model = _network(trial.build(), input)
        with evaluating(model):
            target = torch.randn_like(model(input))
        traced = trace_step(
            model, get("loss", "mse")(), get("optimizer", "sgd")(model.parameters(), lr=LR), input, target
        )
    return f"{name} between two linear layers, seed {seed}", traced


def _network(module: Module, input: Tensor) -> Sequential:
    linear: Callable[..., Module] = get("module", "linear")
    first = linear(input.shape[-1], input.shape[-1])
    first.load_state_dict({"weight": torch.eye(input.shape[-1]), "bias": torch.zeros(input.shape[-1])})
    with evaluating(module):
        last = linear(module(input).shape[-1], 1)
    return Sequential(first, module, last).to(dtype=input.dtype)
