"""Which training a checkpoint is of: its data, how model, loss and optimizer are built, and what governs the steps."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from corenet.checkpoint.saving import described_parts
from corenet.contracts.several import each_of
from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.streamed_data import StreamedDataset
from corenet.training.learner import Learner

WHOLE = 2**26  # bytes of a tensor that are all looked at; of a larger one it is a part of the rows
ROWS = 10_000


def identity(learner: Learner, train: Dataset, valid: Dataset | None, **settings: Any) -> str:
    """Return, as JSON, what two trainings have in common that are one."""
    parts = described_parts(learner.model, learner.loss, learner.optimizer)
    optimizer = parts.pop("optimizer")
    made = {"optimizer": optimizer.get("optimizer")} | {
        f"the optimizer's {name}": value for name, value in optimizer.get("arguments", {}).items()
    }
    of_parts = {name: _digest(json.dumps(part, sort_keys=True).encode()) for name, part in parts.items()}
    data = {"train": fingerprint(train), "valid": None if valid is None else fingerprint(valid)}
    return json.dumps(settings | made | of_parts | data, sort_keys=True)


def refuse_other(path: object, then: str, now: str) -> None:
    """Raise if a checkpoint is of another training than that of now.

    Raises:
        ConfigError: it is; the message names the first thing that is otherwise.
        ValueError, TypeError: the file does not say.
    """
    old, new = json.loads(then), json.loads(now)
    for name in dict.fromkeys(["train", "valid", *new, *old]):  # other data have other metrics by default
        if old.get(name) != new.get(name):
            values = f"{old.get(name)!s:.60} there and {new.get(name)!s:.60} here"
            raise ConfigError(
                f"{path} is of another training: {name} is {values}; give another folder as checkpoint, or call fit as "
                "before",
                name="checkpoint",
                value=name,
            )


def fingerprint(data: Dataset) -> str:
    """Return what tells a data set from others: its shapes and its numbers, of a large one those of some rows.

    >>> import corenet as cn
    >>> fingerprint(cn.data.disk(9, seed=0)) == fingerprint(cn.data.disk(9, seed=0)) != fingerprint(cn.data.disk(9, 1))
    True
    """
    tensors = [*each_of(data.inputs), *each_of(data.targets)]
    told = [f"{tuple(each.shape)} {each.dtype}".encode() + _numbers(each) for each in tensors]
    if isinstance(data, StreamedDataset):  # whose tensors are a sample
        told.append(data.digest().encode())
    return f"{len(data)} points, {_digest(b''.join(told))}"


def _numbers(tensor: Tensor) -> bytes:
    if tensor.numel() * tensor.element_size() > WHOLE:
        tensor = tensor[:: max(1, len(tensor) // ROWS)]
    flat = tensor.detach().cpu().contiguous().flatten()
    return blake2b(flat.view(torch.uint8).numpy().data, digest_size=16).digest()


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()
