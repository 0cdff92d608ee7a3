"""Trains for a long time, and ends in one of several ways in the midst of it."""

import os
import signal
import sys
import time

import torch

import corenet as cn

RANK, WAY = int(os.environ["RANK"]), sys.argv[1]


class Ending(cn.Callback):
    """Does something in rank 1, after the third epoch."""

    def after_epoch(self, training):
        if training.epoch != 3:
            return
        if RANK == 1:
            print("at", time.time(), file=sys.stderr, flush=True)
            if WAY == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if WAY == "hanging":
                time.sleep(10)  # longer than the others wait
            if WAY == "raising":
                raise ValueError("of rank 1")
            if WAY == "told":
                os.kill(os.getpid(), signal.SIGTERM)


torch.manual_seed(0)
model = cn.Sequential(cn.Linear(2, 4), cn.Tanh(), cn.Linear(4, 1), cn.Sigmoid())
optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
cn.fit(
    model,
    cn.BCELoss(),
    optimizer,
    cn.data.disk(60, seed=0),
    cn.data.disk(60, seed=1),
    epochs=1_000_000,
    batch_size=30,
    callbacks=[Ending()],
    checkpoint="run" if WAY == "told" else None,
    distributed=True,
    progress=False,
    engine="plain",
)
