"""The objects of a problem, made anew for each engine, and changed while they are trained."""

from __future__ import annotations

import os
import random
import types

import numpy as np
import torch

import corenet as cn
from benchmarks.training_fuzzer import components, rules
from benchmarks.training_fuzzer.problem import ALL, OF_OPTIMIZER, STILL, Change, Problem
from benchmarks.training_fuzzer.strange import USES, Reads, Strange, reading


class Augments(cn.data.Dataset):
    """Adds noise to the inputs of each epoch."""

    def shuffled(self, seed, *epochs):
        inputs, targets = super().shuffled(seed, *epochs)
        return inputs + 0.1 * torch.randn_like(inputs), targets


class Counts(cn.data.Dataset):
    """Scales what it hands out by how often it was asked."""

    asked = 0

    def shuffled(self, seed, *epochs):
        self.asked += 1
        inputs, targets = super().shuffled(seed, *epochs)
        return inputs * (1 + 0.01 * self.asked), targets


class Anneals(Counts):
    """Sets what a module reads when it is asked for an epoch."""

    def shuffled(self, seed, *epochs):
        found = super().shuffled(seed, *epochs)
        self.world.change_strange(0, 1.0 + 0.25 * (self.asked % 2))
        return found


DATASETS = {"Plain": cn.data.Dataset, "Augments": Augments, "Counts": Counts, "Anneals": Anneals}


class World:
    """A model, its loss, its optimizer and its data."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        torch.manual_seed(problem.seed)
        random.seed(problem.seed)
        np.random.seed(problem.seed)
        os.environ["FUZZED"] = "1.0"
        self.rules = rules.OPTIMIZERS | rules.fresh_rules()
        self.stranges = [self._strange(*layer) for layer in problem.layers]
        self.loss = components.LOSSES[problem.loss]()
        self.data = self._dataset(problem.data, problem.points)
        self.valid = self._dataset("Plain", 12) if problem.valid else None
        self.renew()

    def _strange(self, name: str, use: int) -> Strange:
        if name in components.MODULES:
            return Strange(components.MODULES[name])
        if name == "Normalizes":
            return Strange(lambda: components.Normalizes(self.problem.width))
        if name == "Residual":
            return Strange(lambda: components.Residual(cn.Sequential(cn.Tanh(), cn.Dropout(0.2))))
        if name in OF_OPTIMIZER:
            return reading(USES[use], READS[name], types.SimpleNamespace(steps=0, current_lr=0.1, shared=None))
        return ALL[name](USES[use], 1.0 if name in STILL else self.problem.late)

    def _dataset(self, kind: str, points: int) -> cn.data.Dataset:
        inputs = torch.randn(points, 2)
        targets = (inputs.square().sum(1, keepdim=True) < 1.5).float()
        data = DATASETS[kind](inputs.to(self.problem.dtype), targets.to(self.problem.dtype))
        data.world = self
        return data

    def renew(self) -> None:
        """Make a new model of the same modules, and its optimizer."""
        width = self.problem.width
        layers = [each.make() for each in self.stranges]
        self.model = cn.Sequential(cn.Linear(2, width), *layers, cn.Linear(width, 1))
        self.model.to(dtype=self.problem.dtype)
        self.optimizer = self.rules[self.problem.rule](self.model.parameters(), lr=self.problem.lr)
        for (name, _), layer in zip(self.problem.layers, layers, strict=True):
            if name in OF_OPTIMIZER:
                layer.held = self.optimizer

    def change(self, change: Change) -> None:
        """Do what somebody does."""
        getattr(self, f"change_{change.what}")(change.which, change.value)

    def change_strange(self, which: int, value: float) -> None:
        changing = [each.change for each in self.stranges if each.change is not None]
        if changing:
            changing[which % len(changing)](value)

    def change_p(self, which: int, value: float) -> None:
        for _, module in self.model.named_modules():
            if isinstance(module, cn.Dropout):
                module.p = value / 4

    def change_lr(self, which: int, value: float) -> None:
        self.optimizer.lr *= value

    def change_weights(self, which: int, value: float) -> None:
        self.model.parameters()[which].mul_(value)

    def change_buffers(self, which: int, value: float) -> None:
        for _, tensor in self.model.named_tensors():
            if isinstance(tensor, cn.Buffer):
                tensor.mul_(value)

    def change_targets(self, which: int, value: float) -> None:
        self.data.targets.mul_(value)

    def change_inputs(self, which: int, value: float) -> None:
        self.data.inputs.mul_(value)

    def change_loss(self, which: int, value: float) -> None:
        if isinstance(self.loss, components.Weighing):
            self.loss.weights[0] = value
        elif which:
            type(self.loss).reduction_of_old = value
        else:
            self.loss.reduction = "sum" if value > 1 else "mean"

    def change_rule(self, which: int, value: float) -> None:
        if isinstance(self.optimizer, cn.SGD):
            self.optimizer.weight_decay = value / 10
        elif which:
            type(self.optimizer).scale = value
        else:
            type(self.optimizer).factor = lambda self: value

    def change_mode(self, which: int, value: float) -> None:
        for _, module in self.model.named_modules():
            if isinstance(module, (cn.Dropout, Reads)):
                module.note = value
                module.forward.__func__.note = value

    def change_reset(self, which: int, value: float) -> None:
        self.model[0].weight.data = self.model[0].weight.data.clone() * value


READS = {
    "steps": lambda self: 1.0 if self.held.steps < 17 else 0.6,
    "current_lr": lambda self: 1.0 - self.held.current_lr,
    "shared": lambda self: getattr(getattr(self.held, "shared", None), "factor", 1.0),
}
