"""Trains each case, from its checkpoint if there is one, ends it in one of several ways, and writes what it came to."""

import json
import os
import signal
import sys
from pathlib import Path

import torch

import corenet as cn
from corenet.streamed_data import Block
from corenet.training.steady_loop import SteadyTraining

RANK, RANKS = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "0"))
SEED, OUT, WAY, LOOKS, *ASKED = sys.argv[1:]  # after so many steps, or calls of many, it ends in that way
SIGNALS = {"told": signal.SIGTERM, "killed": signal.SIGKILL}
torch.set_default_dtype(torch.float64)


class Streamed(cn.StreamedDataset):
    """Reads the points of another data set in blocks of four batches, in that one's order."""

    def __init__(self, data):
        super().__init__(cn.data.Dataset(data.inputs[:20], data.targets[:20]), len(data))
        self.data = data

    def blocks(self, batch_size, seed=None, epoch=0, start=0):
        for rows in self.data.order(seed, epoch)[start:].split(4 * batch_size):
            yield Block(self.data.inputs[rows], self.data.targets[rows], rows)


def momentum(parameters):
    return cn.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True)


def adam(parameters):
    return cn.Adam(parameters, lr=0.02, schedule=cn.CosineSchedule(60), max_grad_norm=1.0)


CASES = {
    "plain, momentum, dropout": (momentum, [cn.Dropout(0.3)], "plain"),
    "replay, Adam": (adam, [], "replay"),
    "compiled, momentum": (momentum, [], "auto"),
    "compiled, Adam, dropout": (adam, [cn.Dropout(0.3)], "auto"),
    "streamed, momentum, dropout": (momentum, [cn.Dropout(0.3)], "replay"),
}
look, looks = SteadyTraining._look, []


def ending(training, course, is_last=False):
    looks.append(course)
    if len(looks) == int(LOOKS) and max(1, RANKS) - 1 == RANK:
        os.kill(os.getpid(), SIGNALS[WAY])
    look(training, course, is_last)


def trained(case):
    make, between, engine = CASES[case]
    torch.manual_seed(int(SEED))
    model = cn.Sequential(cn.Linear(2, 7), cn.Tanh(), *between, cn.Linear(7, 1), cn.Sigmoid())
    optimizer, data = make(model.parameters()), cn.data.disk(200 + int(SEED) % 7, seed=int(SEED))
    data = Streamed(data) if case.startswith("streamed") else data
    saving = {} if WAY == "whole" else {"checkpoint": case.replace(", ", "-"), "every": "3 steps"}
    told = {"epochs": 20, "batch_size": 19, "seed": int(SEED), "progress": False, "distributed": RANKS > 0}
    history = cn.fit(model, cn.BCELoss(), optimizer, data, data, engine=engine, **told, **saving)
    numbers = [number for each in model.parameters() for number in each.reshape(-1).tolist()]
    measured = [each.valid["loss"] for each in history]
    return {"weights": numbers, "losses": history.losses, "measured": measured, "engine": history.engine}


if WAY in SIGNALS:
    SteadyTraining._look = ending
found = {}
for case in ASKED or CASES:
    looks.clear()
    try:
        found[case] = trained(case)
    except cn.Interrupted as error:
        found[case] = str(error)
if RANK == 0:
    Path(OUT).write_text(json.dumps(found), encoding="utf-8")
