"""A world of its own for each call: what a user may have at hand, and what must not change when a call is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import corenet as cn


class World:
    """A small model, its training, and files."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(0)
        self.folder = folder
        self.model = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1), cn.Sigmoid())
        self.loss = cn.MSELoss()
        self.optimizer = cn.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.input, self.target = torch.rand(6, 2), torch.tensor([[0.0], [1.0]] * 3)
        self.data = cn.data.Dataset(self.input.clone(), self.target.clone())
        self.valid = cn.data.Dataset(self.input[:4].clone(), self.target[:4].clone())
        self.history = cn.History()
        self.file = folder / "model.safetensors"
        if not self.file.exists():
            cn.save(self.file, self.model, self.optimizer)

    def rounds(self, _: int) -> Any:
        """Return what a round trains."""
        return self.model, self.loss, self.optimizer

    def plain(self, owner: str, name: str) -> Any:
        """Return the value that a user would give for an argument of this name.

        Raises:
            LookupError: there is none; a new public argument needs one here.
        """
        values = self._values()
        return values[f"{owner}.{name}"] if f"{owner}.{name}" in values else values[name]

    def _values(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "subject": self.model,
            "modules": cn.Linear(2, 2),
            "branches": cn.Linear(2, 2),
            "module": cn.Linear(2, 2),
            "loss": self.loss,
            "losses": cn.MSELoss(),
            "optimizer": self.optimizer,
            "parameters": self.model.parameters(),
            "train": self.data,
            "valid": self.valid,
            "data": self.data,
            "dataset": self.data,
            "input": self.input,
            "inputs": self.input,
            "tensors": self.input,
            "tensor": self.input,
            "output": self.target,
            "target": self.target,
            "targets": self.target,
            "path": self.file,
            "save.path": self.folder / "new.safetensors",
            "BestCheckpoint.path": self.folder / "best.safetensors",
            "CSVLogger.path": self.folder / "log.csv",
            "JSONLLogger.path": self.folder / "log.jsonl",
            "History.path": self.folder / "history",
            "factory": self.rounds,
            "kind": "module",
            "name": "linear",
            "source": {"age": [1.0, 2.0, 3.0, 4.0] * 5, "y": ["a", "b"] * 10},
            "table.target": "y",
            "Table.valid": 0.2,
            "metrics": ["mae"],
            "epochs": 1,
            "rounds": 1,
            "batch_size": 3,
            "micro_batch_size": None,
            "seed": 0,
            "seeds": 0,
            "epoch": 0,
            "epochs_": 0,
            "n": 4,
            "size": 2,
            "purpose": "order",
            "engine": "plain",
            "progress": False,
            "fraction": 0.5,
            "mean": torch.zeros(2),
            "std": torch.ones(2),
            "Normal.mean": 0.0,
            "Normal.std": 1.0,
            "statistics": self.data.statistics(),
            "lr": 0.1,
            "steps": 3,
            "total_steps": 9,
            "step": 2,
            "step_size": 2,
            "gamma": 0.5,
            "in_features": 2,
            "out_features": 3,
            "grad_output": torch.ones(6, 1),
            "state": self.model.state_dict(),
            "value": 0.5,
            "classes": 2,
            "weight": torch.ones(3, 2),
            "bias": torch.ones(3),
        }


def numbers_of(*parts: Any) -> Iterator[tuple[str, Any]]:
    """Yield by name all that makes up models, losses, optimizers and data: a refused call leaves each as it was."""
    for index, part in enumerate(parts):
        if isinstance(part, (cn.Module, cn.Loss)):
            yield from ((f"{index}.{name}", each.clone()) for name, each in part.state_dict().items())
        if isinstance(part, cn.Module):
            yield f"{index} training", [each.training for _, each in part.named_modules()]
        if isinstance(part, cn.Optimizer):
            yield f"{index} state", _flat(part.state_dict())
        if isinstance(part, cn.data.Dataset):
            yield f"{index} data", [each.clone() for each in _tensors((part.inputs, part.targets))]
        if isinstance(part, Tensor) and part.device.type != "meta" and not part.is_sparse:
            yield f"{index} tensor", part.detach().clone()


def _flat(state: Any) -> list[Any]:
    if isinstance(state, dict):
        return [each for name in state for each in (name, *_flat(state[name]))]
    if isinstance(state, (list, tuple)):
        return [each for item in state for each in _flat(item)]
    return [state.clone() if isinstance(state, Tensor) else state]


def _tensors(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else [each for item in value for each in _tensors(item)]


def equal(one: Any, other: Any) -> bool:
    """Tell whether two of :func:`numbers_of`'s values are the same, NaN to NaN."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        same = one.shape == other.shape and one.dtype == other.dtype
        return same and bool(torch.equal(one, other) or torch.allclose(one, other, rtol=0, atol=0, equal_nan=True))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other or (one != one and other != other))
