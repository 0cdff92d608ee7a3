"""Trains on tables that are read anew in each epoch, by one process and by all ranks; each tells what it has read."""

import json
import os
import sys
from pathlib import Path

import torch

import corenet as cn
from corenet.tables.streaming import chunks
from corenet.tables.streaming.rows import Source

RANK, SEED, SOURCES = int(os.environ["RANK"]), int(sys.argv[1]), sys.argv[2:]
torch.set_default_dtype(torch.float64)
chunks.BYTES, chunks.ROWS = 1500, 31  # so that a short table has many
read, block = [], Source.block


def noted(source, place):
    """Read a chunk, and remember which rows it had."""
    found = block(source, place)
    read.extend(found.rows.tolist())
    return found


class Reading(cn.Callback):
    """Notes, after each epoch, which rows this rank has read in it."""

    def begin(self, training):
        self.epochs = []
        read.clear()

    def after_epoch(self, training):
        self.epochs.append(sorted(read))
        read.clear()


def trained(table, *, distributed):
    torch.manual_seed(SEED)
    width = table.train.inputs.shape[1]
    model = cn.Sequential(cn.Linear(width, 9), cn.Tanh(), cn.Dropout(0.2), cn.Linear(9, len(table.coding.classes)))
    optimizer = cn.Adam(model.parameters(), lr=0.01)
    settings = {"epochs": 3, "batch_size": 13, "seed": SEED, "progress": False, "metrics": ["f1", "accuracy"]}
    reading = Reading()
    valid = cn.stream_table(table.source, "vote", valid=0.5, seed=1).train  # a stream, of which a sample is measured
    called = {"callbacks": [reading], "distributed": distributed}
    history = cn.fit(model, cn.CrossEntropyLoss(), optimizer, table.train, valid, **settings, **called)
    return torch.cat([each.reshape(-1) for each in model.parameters()]).tolist(), history, reading.epochs


def numbers(history):
    """Return all that was measured, epoch after epoch."""
    return [number for each in history for number in (each.loss, *each.train.values(), *each.valid.values())]


Source.block = noted
for source in SOURCES:
    for buffer in (90, 5000):  # rows: fewer than the table has, and more
        table = cn.stream_table(source, "vote", seed=SEED, buffer=buffer)
        weights, history, epochs = trained(table, distributed=True)
        found = {"source": source, "buffer": buffer, "weights": weights, "read": epochs, "history": repr(history[:])}
        if RANK == 0:
            alone, one, _ = trained(table, distributed=False)
            stored = [row for block in table.train.blocks(13) for row in block.rows.tolist()]
            found |= {"alone": alone, "rows": stored, "numbers": [numbers(history), numbers(one)]}
        with Path(f"rank-{RANK}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
