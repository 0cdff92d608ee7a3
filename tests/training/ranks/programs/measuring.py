"""Trains with every kind of metric by all ranks and by one process; each rank tells how many rows it has computed."""

import json
import os
import sys
from pathlib import Path

import torch

import corenet as cn

RANK, SEED = int(os.environ["RANK"]), int(sys.argv[1])
torch.set_default_dtype(torch.float64)


class Counting(cn.Module):
    """Counts the rows that it evaluates."""

    def __init__(self):
        self.rows = 0

    def forward(self, input):
        if not self.training:
            self.rows += len(input)
        return input + 0.0

    def backward(self, grad_output):
        return 1.0 * grad_output


class Centring(cn.Module):
    """Looks at all of a batch that it evaluates, and at none that it learns from."""

    def forward(self, input):
        return input + 0.0 if self.training else input - input.mean(0)

    def backward(self, grad_output):
        return 1.0 * grad_output


class Wrong(cn.Metric):
    """How many are wrong, piece by piece."""

    reads = "classes"

    def reset(self):
        self.count = 0

    def update(self, output, target):
        self.count += int((output != target).sum())

    def compute(self):
        return float(self.count)


def widest(output, target):
    return (output - output.mean()).abs().max().item() + target.double().mean().item()


def first_weight(model, data):
    return model[0].weight.sum().item() + len(data)


def data(points, seed):
    inputs = cn.data.disk(points, seed=seed).inputs
    return cn.data.Dataset(inputs, (inputs * 3).sum(1).long().clamp(max=2))


def trained(between, *, distributed, valid):
    torch.manual_seed(SEED)
    counting = Counting()
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), counting, *between, cn.Linear(6, 3))
    optimizer = cn.SGD(model.parameters(), lr=0.3)
    metrics = ["accuracy", "f1", "confusion_matrix", "roc_auc", Wrong(), widest, first_weight]
    told = {"epochs": 3, "batch_size": 20, "metrics": metrics, "progress": False, "distributed": distributed}
    history = cn.fit(model, cn.CrossEntropyLoss(), optimizer, data(101, SEED), valid, **told, engine="plain")
    return counting.rows, history


CASES = {"by rows": [], "as a whole": [Centring()]}
for case, between in CASES.items():
    for points in (67, 1):
        valid = data(points, SEED + 1)
        rows, history = trained(between, distributed=True, valid=valid)
        found = {
            "case": case,
            "points": points,
            "rows": rows,
            "history": [[each.train, each.valid] for each in history],
        }
        if RANK == 0:
            found["rows of one"], one = trained(between, distributed=False, valid=valid)
            found["one"] = [[each.train, each.valid] for each in one]
        with Path(f"rank-{RANK}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
