"""Trains by local SGD: every rank writes what it came to, and the first what one process came to."""

import json
import os
import random
import signal
import sys
from pathlib import Path

import numpy
import torch

import corenet as cn
from corenet.streamed_data import Block

RANK, RANKS = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
ASKED = json.loads(sys.argv[1])
torch.set_default_dtype(torch.float64)
random.seed(0)  # data sets of one's own may draw by them
numpy.random.seed(0)
RULES = {
    "sgd": lambda p: cn.SGD(p, lr=0.3),
    "momentum": lambda p: cn.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: cn.Adam(p, lr=0.02),
}


class Repeating(cn.StreamedDataset):
    """Has in every batch the same rows for each rank, in blocks of several batches."""

    def __init__(self, data, own, batches):
        super().__init__(data, len(data) // own * own * RANKS)
        self.data, self.own, self.batches_a_block = data, own, batches

    def blocks(self, batch_size, seed=None, epoch=0, start=0):
        order = self.data.order(seed, epoch)
        rows = order[: len(order) // self.own * self.own].reshape(-1, 1, self.own).expand(-1, RANKS, -1).reshape(-1)
        for few in rows[start:].split(self.batches_a_block * batch_size):
            yield Block(self.data.inputs[few], self.data.targets[few], few)


class Told(cn.data.Dataset):
    """Sends a signal to the last rank as an epoch begins, once."""

    epoch = None

    def shuffled(self, seed, *epochs):
        if RANK == RANKS - 1 and self.epoch in epochs:
            Told.epoch = None
            os.kill(os.getpid(), signal.SIGTERM)
        return super().shuffled(seed, *epochs)


class Infinite(cn.data.Dataset):
    """Has a number that is none in the second batch of the second epoch, in the rows of the last rank."""

    def shuffled(self, seed, *epochs):
        inputs, targets = super().shuffled(seed, *epochs)
        if 1 in epochs:
            inputs[2 * ASKED["batch_size"] - 1] = float("inf")
        return inputs, targets


class Noise(cn.Module):
    """Adds noise, and remembers it."""

    def __init__(self):
        self.drawn = []

    def forward(self, input):
        noise = torch.rand_like(input)
        self.drawn.append(noise.sum().item())
        return input + noise

    def backward(self, grad_output):
        return 1.0 * grad_output


def flat(model):
    return [number for each in model.parameters() for number in each.reshape(-1).tolist()]


def trained(rule, data, *between, every=None, loss=None, **settings):
    torch.manual_seed(ASKED["seed"])
    model = cn.Sequential(cn.Linear(2, 5), cn.Tanh(), *between, cn.Linear(5, 1))
    optimizer = RULES[rule](model.parameters())
    told = {"epochs": ASKED["epochs"], "batch_size": ASKED["batch_size"], "seed": ASKED["seed"], "progress": False}
    told |= {"distributed": True, "exchange_every": every or ASKED["every"]} | settings
    history = cn.fit(model, loss or cn.MSELoss(), optimizer, data, **told)
    return model, {
        "weights": flat(model),
        "losses": history.losses,
        "engine": history.engine,
        "steps": optimizer.steps,
        "skipped": [each.skipped for each in history],
    }


def refused(data=None, **settings):
    try:
        trained("sgd", data or DATA, **settings)
    except cn.CorenetError as error:
        return [type(error).__name__, str(error)]
    return ["none", ""]


def told_and_gone_on(rule, *between, **settings):
    """Return what a training comes to that is told to stop in the midst of an epoch, and goes on."""
    Told.epoch = 2
    try:
        trained(rule, Told(*PAIR), *between, checkpoint="told", **settings)
    except cn.Interrupted as error:
        text = str(error)
    return trained(rule, Told(*PAIR), *between, checkpoint="told", **settings)[1] | {"told": text}


DATA = cn.data.disk(ASKED["rows"], seed=ASKED["seed"])
PAIR = DATA.inputs, DATA.targets
own = ASKED["batch_size"]
repeating = Repeating(DATA, own, 3)
repeated = {"batch_size": own * RANKS, "engine": "auto"}
alone = {"distributed": False, "every": 1}
kept = {rule: trained(rule, DATA, engine=ASKED["engines"][rule])[1] for rule in RULES}
kept |= {f"repeated {rule}": trained(rule, repeating, **repeated)[1] for rule in RULES}
model, kept["noise"] = trained("adam", DATA, Noise(), engine="plain")
kept["noise"]["drawn"] = model[2].drawn
kept["noise again"] = trained("adam", DATA, Noise(), engine="plain")[1]
kept["dropout"] = trained("momentum", Told(*PAIR), cn.Dropout(0.3), engine="replay")[1]
kept["dropout, told"] = told_and_gone_on("momentum", cn.Dropout(0.3), engine="replay")
kept["skipped"] = trained("momentum", Infinite(*PAIR), on_non_finite="skip", engine="plain")[1]
kept["refused"] = {
    "nought": refused(exchange_every=0),
    "flag": refused(exchange_every=True),
    "fraction": refused(exchange_every=2.5),
    "not finite": refused(Infinite(*PAIR)),
    "sum": refused(loss=cn.MSELoss(reduction="sum")),
}
if RANK == 0:
    kept |= {f"one process, {rule}": trained(rule, repeating, **repeated, **alone)[1] for rule in RULES}
Path(f"rank-{RANK}.json").write_text(json.dumps(kept), encoding="utf-8")
