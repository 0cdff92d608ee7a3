"""Trains on files of which each rank has its own, as on two machines; something happens to those of rank 1."""

import json
import os
import shutil
import sys
from pathlib import Path

import torch

import corenet as cn
from corenet.streamed_data import Block
from corenet.tables.streaming import chunks

RANK, WAY = int(os.environ["RANK"]), sys.argv[1]
HOME = Path.cwd()
SHARDS, KEPT = Path("shards"), Path("kept")
LAST = SHARDS / "3.csv"
torch.set_default_dtype(torch.float64)
chunks.BYTES = 1500


class Happening(cn.Callback):
    """Takes the files of rank 1 away, or changes them, after the first epoch."""

    def after_epoch(self, training):
        if RANK == 1 and training.epoch == 1 and WAY in ("gone", "changed"):
            SHARDS.rename(KEPT)
            if WAY == "changed":
                SHARDS.mkdir()
                for each in KEPT.iterdir():
                    (SHARDS / each.name).write_text(each.read_text() + "1,Bonn,1,yes\n")


class Uneven(cn.StreamedDataset):
    """Is read in blocks of another size by rank 1."""

    def blocks(self, batch_size, seed=None, epoch=0, start=0):
        for rows in torch.arange(len(self))[start:].split(20 if RANK else 40):
            yield Block(self.inputs[rows], self.targets[rows], rows)


os.chdir(f"machine-{RANK}")
if KEPT.exists() and WAY == "back":
    shutil.rmtree(SHARDS, ignore_errors=True)
    KEPT.rename(SHARDS)
if RANK == 1 and WAY == "other bytes":
    LAST.write_text(LAST.read_text().replace("Ulm,", "Ulm ,", 1))
if RANK == 1 and WAY == "missing":
    LAST.unlink()
table = cn.stream_table(SHARDS, "vote", buffer=80)
train = table.train if WAY != "stranger" else Uneven(cn.data.Dataset(torch.ones(80, 4), torch.zeros(80).long()), 80)
torch.manual_seed(0)
width = train.inputs.shape[1]
model = cn.Sequential(cn.Linear(width, 5), cn.Tanh(), cn.Linear(5, 2))
optimizer = cn.Adam(model.parameters(), lr=0.01)
cn.fit(
    model,
    cn.CrossEntropyLoss(),
    optimizer,
    train,
    epochs=3,
    batch_size=20,
    callbacks=[Happening()],
    checkpoint=HOME / ("whole" if WAY == "whole" else "run"),
    distributed=True,
    progress=False,
    engine="plain",
)
if RANK == 0:
    Path(HOME, f"{WAY}.json").write_text(json.dumps([each.tolist() for each in model.parameters()]))
