"""Trains each case by one process and by all ranks, and writes how far apart they are."""

import json
import os
import sys
from itertools import pairwise
from pathlib import Path

import torch

import corenet as cn
from corenet.streamed_data import Block

RANK = int(os.environ["RANK"])
SEED = int(sys.argv[1])
torch.set_default_dtype(torch.float64)


class Noise(cn.Module):
    """Adds noise of three kinds: for each row, for each element, and one for all rows."""

    def forward(self, input):
        if not self.training:
            return input + 0.0
        noise = torch.rand(len(input), 1) + torch.randn_like(input) + torch.rand(input.shape[1:])
        return input + 0.1 * noise

    def backward(self, grad_output):
        return 1.0 * grad_output


class Langevin(cn.Optimizer):
    """Descends with noise on the weights."""

    def update(self, param, grad, state):
        param -= self.current_lr * (grad + 0.1 * torch.randn_like(param))


class Streamed(cn.StreamedDataset):
    """Reads the points of another data set in blocks of three batches, in that one's order."""

    def __init__(self, data):
        super().__init__(cn.data.Dataset(data.inputs[:20], data.targets[:20]), len(data))
        self.data = data

    def blocks(self, batch_size, seed=None, epoch=0, start=0):
        for rows in self.data.order(seed, epoch)[start:].split(3 * batch_size):
            yield Block(self.data.inputs[rows], self.data.targets[rows], rows)


def network(*between, widths=(2, 9, 1), last=cn.Sigmoid):
    layers = [layer for sizes in pairwise(widths) for layer in (cn.Linear(*sizes), cn.Tanh(), *between)]
    return cn.Sequential(*layers[: -1 - len(between)], *([last()] if last else []))


def classes(points, seed):
    inputs = cn.data.disk(points, seed=seed).inputs
    return cn.data.Dataset(inputs, (inputs * 3).sum(1).long().clamp(max=2))


SGD = {"lr": 0.3, "momentum": 0.9, "nesterov": True}
CASES = {
    "momentum": (network, cn.BCELoss(), lambda p: cn.SGD(p, **SGD), {"epochs": 72, "batch_size": 31}),
    "adam": (
        network,
        cn.BCELoss(reduction="sum"),
        lambda p: cn.Adam(p, 0.01, schedule=cn.CosineSchedule(60), max_grad_norm=1.0),
        {"epochs": 4, "batch_size": 10},
    ),
    "dropout": (
        lambda: network(cn.Dropout(0.3), Noise()),
        cn.BCELoss(),
        lambda p: cn.SGD(p, **SGD),
        {"epochs": 4, "batch_size": 7},
    ),
    "noisy rule": (network, cn.BCELoss(reduction="none"), lambda p: Langevin(p, 0.05), {"epochs": 3, "batch_size": 40}),
    "classes": (
        lambda: network(widths=(2, 8, 3), last=None),
        cn.CrossEntropyLoss(),
        lambda p: cn.SGD(p, lr=0.5),
        {"epochs": 9, "batch_size": 50, "metrics": ["f1", "confusion_matrix"], "engine": "replay"},
    ),
    "streamed": (
        lambda: network(cn.Dropout(0.2)),
        cn.BCELoss(),
        lambda p: cn.SGD(p, **SGD),
        {"epochs": 2, "batch_size": 9, "metrics": []},
    ),
    "callbacks": (network, cn.BCELoss(), lambda p: cn.SGD(p, lr=3.0), {"epochs": 60, "batch_size": 50}),
}
CALLBACKS = {
    "callbacks": lambda: [
        cn.ReduceOnPlateau("valid_loss", patience=1),
        cn.EarlyStopping("valid_loss", patience=4),
        cn.CSVLogger("log.csv"),
    ]
}


def trained(case, *, distributed):
    make, loss, optimizer, settings = CASES[case]
    data = classes if case == "classes" else cn.data.disk
    torch.manual_seed(SEED)
    model = make()
    optimizer = optimizer(model.parameters())
    train, valid = data(200 + SEED % 9, seed=SEED), data(90, seed=SEED + 1)
    train = Streamed(train) if case == "streamed" and distributed else train
    told = {"seed": SEED, "callbacks": CALLBACKS.get(case, list)(), "progress": False, "distributed": distributed}
    history = cn.fit(model, loss, optimizer, train, valid, **told, **settings)
    return torch.cat([each.reshape(-1) for each in model.parameters()]), history, optimizer.steps


def farthest(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def without_loss(epoch):
    return epoch.train, {name: value for name, value in epoch.valid.items() if name != "loss"}


found = {}
for case in CASES:
    weights, history, steps = trained(case, distributed=True)
    with Path(f"rank-{RANK}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps([case, weights.tolist(), repr(history[:])]) + "\n")
    if RANK == 0:
        rows = len(Path("log.csv").read_text(encoding="utf-8").splitlines()) if case == "callbacks" else None
        alone, one, _ = trained(case, distributed=False)
        found[case] = {
            "weights": farthest(weights.tolist(), alone.tolist()),
            "loss": farthest(history.losses, one.losses),
            "valid": farthest([each.valid["loss"] for each in history], [each.valid["loss"] for each in one]),
            "rest": [without_loss(each) for each in history] == [without_loss(each) for each in one],
            "rates": [each.lr for each in history] == [each.lr for each in one],
            "epochs": len(history),
            "steps": steps,
            "engine": history.engine,
            "rows": rows,
        }
if RANK == 0:
    print(json.dumps(found))
