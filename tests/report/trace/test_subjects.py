"""The steps that are traced: the first of an experiment, and one of a module on inputs of its domain."""

import pytest
import torch

import corenet as cn
from corenet.errors import ConfigError
from corenet.experiments import experiment, run
from corenet.report.trace.subjects import trace_experiment, trace_module

ONE_STEP = """
title = "One step"
[recipe]
modules = [["linear", 2, 4], ["dropout", 0.5], ["linear", 4, 1]]
loss = "mse"
targets = "unit"
normalized = true
epochs = 1
batch_size = 1000
optimizer = { name = "sgd", lr = 0.1 }
[better]
why = "its weights stay as they were drawn"
optimizer = { name = "sgd", lr = 0.0 }
"""


def test_it_is_the_first_step_of_the_experiment(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE_STEP, encoding="utf-8")
    title, traced = trace_experiment(str(path), "reported", seed=5)
    after, before = (
        run(experiment(str(path)), recipe, seed=5).rounds[0].model.state_dict() for recipe in ("reported", "better")
    )
    assert title == "one, reported recipe, seed 5: the first step"
    for layer in traced.layers:
        for each in layer.parameters:
            old, new = (weights[f"{layer.path}.{each.name}"].double() for weights in (before, after))
            assert (each.value.norm, each.step) == (old.norm().item(), (new - old).norm().item())


def test_a_module_sees_an_input_of_its_domain():
    class Log(cn.Module):
        @staticmethod
        def conformance_cases():
            return [cn.Case(shape=(4, 2, 3), domain=(0.5, 2.0))]

        def forward(self, input):
            self.save(input)
            return input.log()

        def backward(self, grad_output):
            (input,) = self.saved()
            return grad_output / input

    title, traced = trace_module(Log, "log", seed=1, batch_size=7)
    log = traced.layers[1]
    assert title == "log between two linear layers, seed 1"
    assert log.input.shape == (7, 2, 3)
    assert 0.5 <= log.input.min <= log.input.max <= 2
    assert traced.ok


def test_the_generator_is_left_as_it_was():
    state = torch.get_rng_state()
    trace_module(cn.Dropout, "dropout", seed=1)
    trace_experiment("003b", "better", seed=1)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_module_that_cannot_be_built_says_so():
    class Needy(cn.Module):
        def __init__(self, names: dict):
            self.names = names

    with pytest.raises(ConfigError, match=r"give it a conformance_cases\(\)"):
        trace_module(Needy, "needy", seed=0)
