"""Calls fit as it should not be called by several ranks, and writes what each rank was told."""

import json
import os
import random
from pathlib import Path

import numpy
import torch

import corenet as cn
from corenet.training.ranks import sameness

random.seed(0)
numpy.random.seed(0)
RANK = int(os.environ["RANK"])
DATA = cn.data.disk(20, seed=0)


class Centred(cn.Module):
    """Looks at its batch as a whole."""

    def forward(self, input):
        return input - input.mean(0)

    def backward(self, grad_output):
        return grad_output - grad_output.mean(0)


class CentredIfLarge(Centred):
    """Looks at its batch as a whole where that has many rows."""

    def forward(self, input):
        self.large = len(input) > 64
        return super().forward(input) if self.large else input + 0.0

    def backward(self, grad_output):
        return super().backward(grad_output) if self.large else 1.0 * grad_output


class Counting(cn.Module):
    """Has a buffer that each batch changes."""

    def __init__(self):
        self.batches = cn.Buffer(torch.zeros(()))

    def forward(self, input):
        self.batches += 1
        return input + 0.0

    def backward(self, grad_output):
        return 1.0 * grad_output


class Drawing(cn.Module):
    """Adds what a function draws."""

    def __init__(self, draw):
        self.draw = draw

    def forward(self, input):
        return input + self.draw(input) if self.training else input + 0.0

    def backward(self, grad_output):
        return 1.0 * grad_output


class NoReduction(cn.Loss):
    def forward(self, input, target):
        self.save(input - target)
        return (input - target).square().mean()

    def backward(self):
        (difference,) = self.saved()
        return 2 * difference / difference.numel()


class Elsewhere(cn.Callback):
    """Changes the weights in one rank alone."""

    def after_epoch(self, training):
        if RANK == 1:
            training.model[0].bias += 1.0


class Infinite(cn.data.Dataset):
    """Has a number that is none in the last batch of the second epoch."""

    def shuffled(self, seed, *epochs):
        inputs, targets = super().shuffled(seed, *epochs)
        if 1 in epochs:
            inputs[-1] = float("inf")
        return inputs, targets


def fit(*between, data=DATA, loss=None, seed=0, **settings):
    torch.manual_seed(seed)
    model = cn.Sequential(cn.Linear(2, 1), *between)
    settings = {"epochs": 3, "batch_size": 6, "distributed": True, "progress": False} | settings
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    history = cn.fit(model, loss or cn.MSELoss(), optimizer, data, **settings)
    return f"skipped {[each.skipped for each in history]}"


def other_version():
    sameness.__version__ = f"0.{RANK}"
    try:
        fit()
    finally:
        sameness.__version__ = cn.__version__


weighted = cn.data.Dataset(DATA.inputs, (torch.arange(20) % 2))
infinite = Infinite(DATA.inputs.clone(), DATA.targets)
CASES = {
    "other data": lambda: fit(data=cn.data.disk(20, seed=RANK)),
    "other weights": lambda: fit(seed=RANK),
    "other arguments": lambda: fit(batch_size=6 + RANK),
    "other version": other_version,
    "too many": lambda: fit(batch_size=1),
    "pieces": lambda: fit(micro_batch_size=2),
    "graph": lambda: fit(engine="graph"),
    "flag": lambda: fit(distributed=2),
    "batch": lambda: fit(Centred()),
    "large batch": lambda: fit(CentredIfLarge(), data=cn.data.disk(400, seed=0), batch_size=200),
    "buffer": lambda: fit(Counting()),
    "loss": lambda: fit(loss=NoReduction()),
    "weights of classes": lambda: fit(
        cn.Linear(1, 2), data=weighted, loss=cn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
    ),
    "python": lambda: fit(Drawing(lambda x: random.random())),
    "shape": lambda: fit(Drawing(lambda x: torch.rand(len(x) + 1)[:-1, None])),
    "transposed": lambda: fit(Drawing(lambda x: torch.rand(2, len(x)).t().reshape(2, -1).sum(0)[:, None])),
    "elsewhere": lambda: fit(callbacks=[Elsewhere()]),
    "not finite": lambda: fit(data=infinite),
    "skipped": lambda: fit(data=infinite, on_non_finite="skip"),
    "after all": fit,
}
with Path(f"rank-{RANK}.jsonl").open("w", encoding="utf-8") as file:
    for case, call in CASES.items():
        try:
            told = ["none", str(call())]
        except cn.CorenetError as error:
            told = [type(error).__name__, str(error)]
        file.write(json.dumps([case, *told]) + "\n")
