"""Safe files: the tensors of a model, and of its optimizer, without any code in them.

The format is safetensors: loading one cannot run anything. A file is written whole or
not at all, and read back wholly checked before the first weight changes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import CheckpointError, OutputError
from corenet.files import write_bytes
from corenet.registry.provenance import provenance

FORMAT = "corenet 1"


def save(path: str | Path, model: Module, optimizer: Optimizer | None = None) -> None:
    """Write the state of ``model``, and of ``optimizer`` if given, to ``path``.

    The file's metadata records under ``components`` which component each part is, and of
    what version, so that its reader knows what to install.

    Raises:
        OutputError: the file cannot be written; an older one is left as it was.

    >>> import corenet as cn, tempfile
    >>> a, b = cn.Linear(2, 1), cn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cn.save(f"{folder}/model.safetensors", a)
    ...     cn.load(f"{folder}/model.safetensors", b)
    >>> bool((a.weight == b.weight).all())
    True
    """
    for value, kind in ((model, Module), (optimizer, (Optimizer, type(None)))):
        if not isinstance(value, kind):
            raise CheckpointError(f"save(path, model, optimizer) takes corenet's, not {value!r:.80}")
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    parts = [type(part) for _, part in model.named_modules()] + ([] if optimizer is None else [type(optimizer)])
    metadata = {"format": FORMAT, "components": json.dumps(provenance(parts))}
    if optimizer is not None:
        state = optimizer.state_dict()
        metadata["optimizer"] = json.dumps({"lr": state["lr"], "steps": state["steps"], "count": len(state["states"])})
        for index, entry in enumerate(state["states"]):
            tensors.update({f"optimizer.{index}.{name}": tensor for name, tensor in entry.items()})
    write_bytes(path, to_bytes(tensors, metadata))


def load(path: str | Path, model: Module, optimizer: Optimizer | None = None) -> None:
    """Read what :func:`save` wrote into ``model``, and into ``optimizer`` if given.

    Raises:
        OutputError: there is no such file.
        CheckpointError: it is no checkpoint, or has no optimizer state.
        StructureError, ShapeError, DTypeError: it belongs to another model; nothing was changed.
    """
    path = Path(path)
    if not path.is_file():
        raise OutputError(f"there is no file {path}")
    tensors, metadata = _read(path)
    model_state = {name.removeprefix("model."): each for name, each in tensors.items() if name.startswith("model.")}
    before = model.state_dict()
    model.load_state_dict(model_state)
    if optimizer is not None:
        try:
            optimizer.load_state_dict(_optimizer_state(path, tensors, metadata))
        except Exception:
            model.load_state_dict(before)
            raise


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a checkpoint: {error}") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is a safetensors file, but not one that corenet.save of this version wrote")
    return tensors, metadata


def _optimizer_state(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> dict[str, Any]:
    if "optimizer" not in metadata:
        raise CheckpointError(f"{path} has no optimizer state; it was saved without an optimizer")
    try:
        head = json.loads(metadata["optimizer"])
        states: list[dict[str, Tensor]] = [{} for _ in range(head["count"])]
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                states[int(index)][key] = tensor
        return {"lr": float(head["lr"]), "steps": int(head["steps"]), "states": states}
    except (ValueError, TypeError, LookupError) as error:
        raise CheckpointError(f"{path} has an optimizer state that is damaged: {error}") from error
