"""Safe files: the tensors of a model, and of its optimizer, without any code in them.

The format is safetensors: loading a file cannot run anything. A file is written whole or
not at all; one that does not fit the model changes nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from corenet.contracts.draws import Left, leave, left_by
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import CheckpointError, OutputError, StructureError
from corenet.files import write_bytes
from corenet.registry.provenance import provenance, target_of

FORMAT = "corenet 1"


def save(path: str | Path, model: Module, optimizer: Optimizer | None = None) -> None:
    """Write the state of ``model``, and of ``optimizer`` if given, to ``path``.

    With the optimizer goes the place in the stream of random numbers at which its training ended, so that one which
    is loaded goes on, by ``fit(initial_epoch=...)``, as if it had never stopped.

    The file's metadata records under ``components`` the components in it and their versions,
    so that its reader knows what to install, and under ``modules`` the class of each module.

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
    _refuse_other_types(model, optimizer)
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    modules = {path: type(module) for path, module in model.named_modules()}
    classes = [*modules.values(), *([] if optimizer is None else [type(optimizer)])]
    metadata = {
        "format": FORMAT,
        "components": json.dumps(provenance(classes)),
        "modules": json.dumps({path: target_of(cls) for path, cls in modules.items()}),
    }
    if optimizer is not None:
        state = optimizer.state_dict()
        metadata["optimizer"] = _head(optimizer, state)
        for index, entry in enumerate(state["states"]):
            tensors.update({f"optimizer.{index}.{name}": tensor for name, tensor in entry.items()})
        left = left_by(optimizer)
        if left is not None:
            metadata["draws"] = json.dumps({"seed": left.seed, "epoch": left.epoch, "steps": left.steps})
            tensors.update({f"draws.{index}": state for index, state in enumerate(left.states)})
    write_bytes(path, to_bytes(tensors, metadata))


def load(path: str | Path, model: Module, optimizer: Optimizer | None = None) -> None:
    """Read what :func:`save` wrote into ``model``, and into ``optimizer`` if given.

    Raises:
        OutputError: there is no such file.
        CheckpointError: it is no checkpoint, or has no optimizer state.
        StructureError, ShapeError, DTypeError: it belongs to another model, of other tensors or
            of other modules; nothing was changed.
    """
    path = Path(path)
    if not path.is_file():
        raise OutputError(f"there is no file {path}")
    tensors, metadata = _read(path)
    model_state = {name.removeprefix("model."): each for name, each in tensors.items() if name.startswith("model.")}
    before = model.state_dict()
    model.load_state_dict(model_state)
    try:
        _refuse_other_modules(path, metadata, model)
        if optimizer is not None:
            left = _left(path, tensors, metadata)
            optimizer.load_state_dict(_optimizer_state(path, tensors, metadata))
            leave(optimizer, left)
    except Exception:
        model.load_state_dict(before)
        raise


def _head(optimizer: Optimizer, state: dict[str, Any]) -> str:
    """Return the part of an optimizer's state that is no tensors, as JSON."""
    try:
        return json.dumps({"count": len(state["states"]), **{name: state[name] for name in ("lr", "steps", "groups")}})
    except TypeError as error:
        raise CheckpointError(f"{optimizer!r} has a group of which JSON cannot hold a value: {error}") from error


def _refuse_other_types(model: object, optimizer: object) -> None:
    for value, kind in ((model, Module), (optimizer, (Optimizer, type(None)))):
        if not isinstance(value, kind):
            raise CheckpointError(
                f"save(path, model, optimizer) takes a corenet.Module and a corenet.Optimizer, not {value!r:.80}"
            )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is not a dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a checkpoint: {error}") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is a safetensors file, but not one that corenet.save of this version wrote")
    return tensors, metadata


def _refuse_other_modules(path: Path, metadata: dict[str, str], model: Module) -> None:
    """Raise :class:`StructureError` if the tensors were of other modules: ReLU and Tanh have the same, none."""
    if "modules" not in metadata:
        return
    try:
        theirs = _described(json.loads(metadata["modules"]), json.loads(metadata["components"]))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise CheckpointError(f"{path} has a record of its modules that is damaged: {error}") from error
    classes = {place: type(module) for place, module in model.named_modules()}
    ours = _described({place: target_of(cls) for place, cls in classes.items()}, provenance(classes.values()))
    for place in [*theirs, *ours]:
        if not same_class(theirs.get(place), ours.get(place)):
            raise StructureError(
                f"{path} is of another model: {place or 'the whole'} is {_name(theirs.get(place))} there and "
                f"{_name(ours.get(place))} here; build the model that was saved"
            )


def _described(classes: dict[str, str], components: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return what ``components`` says of the class at each place."""
    by_class = {each["class"]: each for each in components}
    return {place: by_class[target] for place, target in classes.items()}


def same_class(left: dict[str, str] | None, right: dict[str, str] | None) -> bool:
    """Tell whether two descriptions are of one class, even if it was moved to another file or registered anew.

    >>> same_class({"class": "script:Net"}, {"class": "package.nets:Net"})
    True
    """
    if left is None or right is None:
        return False
    if "name" in left and "name" in right:
        return left["name"] == right["name"] or left["class"] == right["class"]
    return _name(left) == _name(right)


def _name(described: dict[str, str] | None) -> str:
    return "nothing" if described is None else described["class"].rpartition(":")[2].rpartition(".")[2]


def _left(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> Left | None:
    """Return where the training ended in the stream of random numbers, if the file says so."""
    if "draws" not in metadata:
        return None
    try:
        head = json.loads(metadata["draws"])
        names = sorted(name for name in tensors if name.startswith("draws."))
        return Left(int(head["seed"]), int(head["epoch"]), int(head["steps"]), [tensors[name] for name in names])
    except (ValueError, TypeError, LookupError) as error:
        raise CheckpointError(f"{path} has a place in the random numbers that is damaged: {error}") from error


def _with_tuples(group: dict[str, Any]) -> dict[str, Any]:
    """Return a group with a tuple wherever it had one; JSON knows lists alone."""
    return {
        name: tuple(value) if isinstance(value, list) and name != "params" else value for name, value in group.items()
    }


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
        groups = {"groups": list(map(_with_tuples, head["groups"]))} if "groups" in head else {}  # later than 0.1
        return {"lr": float(head["lr"]), "steps": int(head["steps"]), "states": states, **groups}
    except (ValueError, TypeError, LookupError) as error:
        raise CheckpointError(f"{path} has an optimizer state that is damaged: {error}") from error
