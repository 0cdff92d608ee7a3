"""The valid files from which the fuzzer starts: together they have all that a file may have."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file

import corenet as cn
from corenet.tables.coding import TableCoding

COLUMN = {"kind": "category", "name": "kind", "values": ["a", "b"], "gap": True}
NUMBER = {"kind": "number", "name": "age", "mean": 0.5, "std": 2.0, "gap": False}
TARGET = {"kind": "number", "name": "y", "mean": 0.1, "std": 2.5}


def samples(folder: Path) -> list[bytes]:
    """Return the bytes of each."""
    path = folder / "sample"
    found = []
    for write in (_small, _whole, _tied, _earlier, *_of_plugins()):
        torch.manual_seed(0)
        write(path)
        found.append(path.read_bytes())
    return found


def _of_plugins() -> list[Callable[[Path], None]]:
    """Return what writes models of the plugins that are installed: their constructors take counts and widths too."""
    found = []
    for name, arguments in (("lstm", (2, 2)), ("multi_head_attention", (4, 2)), ("conv2d", (2, 2, 3))):
        with suppress(cn.UnknownComponentError):
            found.append(partial(_one, cn.get("module", name), arguments))
    return found


def _one(cls: type[cn.Module], arguments: tuple[int, ...], path: Path) -> None:
    cn.save(path, cls(*arguments))


def _small(path: Path) -> None:
    cn.save(path, cn.Sequential(cn.Linear(2, 1)))


def _whole(path: Path) -> None:
    """Everything at once: losses with tensors, groups, schedules, draws, a history, a table."""
    model = cn.Sequential(cn.Linear(2, 2, init=cn.Normal()), cn.Dropout(0.5), cn.Linear(2, 2, bias=False))
    loss = cn.CrossEntropyLoss(torch.ones(2))
    groups = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "betas": (0.5, 0.75)}]
    optimizer = cn.Adam(groups, schedule=cn.WarmupSchedule(3, after=cn.CosineSchedule(9)))
    data = cn.data.Dataset(torch.rand(6, 2), torch.tensor([0, 1, 0, 1, 0, 1]))
    history = cn.fit(model, loss, optimizer, data, epochs=1, batch_size=3, progress=False, engine="plain")
    table = TableCoding.from_dict({"version": 1, "missing": ["NA"], "columns": [COLUMN], "target": TARGET})
    cn.save(path, model, optimizer, loss=loss, history=history, table=table)


def _tied(path: Path) -> None:
    model = cn.Sequential(cn.Linear(2, 2), cn.Sequential(cn.Tanh(), cn.Linear(2, 2)))
    model[1][1].weight = model[0].weight
    model[1].freeze()
    cn.save(path, model.to(dtype=torch.float64), cn.SGD(model[0].parameters(), lr=0.1, momentum=0.9))


def _earlier(path: Path) -> None:
    """A file of corenet 0.1, which has no checksum."""
    tensors = {f"model.{name}": tensor for name, tensor in cn.Linear(2, 1).state_dict().items()}
    tensors |= {"optimizer.0.velocity": torch.zeros(1, 2), "draws.0": torch.zeros(4, dtype=torch.uint8)}
    head = {"count": 2, "lr": 0.1, "steps": 3, "groups": [{"params": [0, 1], "lr": 0.2, "betas": [0.5, 0.7]}]}
    place = {"seed": 0, "epoch": 1, "steps": 3}
    said = {"modules": {"": "corenet.builtin.linear:Linear"}, "components": [], "optimizer": head, "draws": place}
    save_file(tensors, path, {"format": "corenet 1", **{name: json.dumps(each) for name, each in said.items()}})
