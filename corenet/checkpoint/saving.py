"""Writing a model file: tensors, and one document that says what they belong to."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from corenet import __version__
from corenet.checkpoint.arguments import NotKeptError
from corenet.checkpoint.container import packed
from corenet.checkpoint.description import Describer
from corenet.checkpoint.history_state import as_tensor
from corenet.checkpoint.model_state import modes_of, tied
from corenet.checkpoint.optimizer_state import described, names_of, place_of
from corenet.checkpoint.same_model import classes_of, refuse_foreign_optimizer
from corenet.checkpoint.settings import settings_of
from corenet.contracts.draws import left_by
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import CheckpointError, ConfigError
from corenet.files import write_bytes
from corenet.history import History
from corenet.registry.provenance import component_of, provenance
from corenet.tables.coding import TableCoding
from corenet.tables.table import Table


def save(
    path: str | Path,
    model: Module,
    optimizer: Optimizer | None = None,
    *,
    loss: Loss | None = None,
    table: Table | TableCoding | None = None,
    history: History | None = None,
) -> None:
    """Write ``model``, and what else is given, to ``path``: whole or not at all.

    :func:`load` builds all of it again, where every module is a component and keeps its constructor's arguments in
    attributes of their names; of any other model it reads the numbers into one that is there.
    With the optimizer goes the place in the stream of random numbers at which its training ended, so that one which
    is loaded goes on, by ``fit(initial_epoch=...)``, as if it had never stopped.

    Args:
        path: the file; an older one is replaced, and stays if this fails.
        model: what is saved.
        optimizer: what trains it, with its state.
        loss: what it was trained by, which says what its outputs mean.
        table: the table that it was trained on, of which the coding is saved, or that coding.
        history: what the training was like.

    Raises:
        OutputError: the file cannot be written; an older one is left as it was.
        CheckpointError: something is not what it should be, or cannot be in a file.

    >>> import corenet as cn, tempfile
    >>> model = cn.Sequential(cn.Linear(2, 1), cn.Sigmoid())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cn.save(f"{folder}/model.safetensors", model)
    ...     again = cn.load(f"{folder}/model.safetensors").model
    >>> again
    Sequential(
      [0] Linear(2 → 1)
      [1] Sigmoid()
    )
    >>> bool((again[0].weight == model[0].weight).all())
    True
    """
    save_training(path, model, optimizer, loss=loss, table=table, history=history)


def save_training(
    path: str | Path,
    model: Module,
    optimizer: Optimizer | None,
    *,
    loss: Loss | None,
    table: Table | TableCoding | None = None,
    history: History | None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write what :func:`save` writes, and where a training stands, as values by name."""
    _refuse_other_types(model, optimizer, loss, history)
    if optimizer is not None:
        refuse_foreign_optimizer(model, optimizer)
    describer, tensors = Describer(_named), _tensors("model", model)
    classes: list[type] = [type(each) for _, each in model.named_modules()]
    document: dict[str, Any] = {
        "versions": {"corenet": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "modules": classes_of(model),
        "settings": settings_of(model),
        **_model(describer, model),
        **modes_of(model),
        "loss": None,
        "optimizer": None,
        "draws": None,
        "table": _table(table),
        "history": history is not None,
        "training": _training(describer, training),
    }
    if loss is not None:
        document["loss"] = _loss(describer, loss)
        tensors |= _tensors("loss", loss)
        classes.append(type(loss))
    if optimizer is not None:
        state, left = optimizer.state_dict(), left_by(optimizer)
        document["optimizer"] = _optimizer(describer, optimizer, state, model, loss)
        document["draws"] = place_of(left)
        for index, entry in enumerate(state["states"]):
            tensors |= {f"optimizer.{index}.{name}": _tensor(optimizer, name, each) for name, each in entry.items()}
        tensors |= {f"draws.{index}": each for index, each in enumerate(left.states if left else [])}
        classes.append(type(optimizer))
    if history is not None:
        tensors["history"] = as_tensor(history, describer)
    tensors |= {f"argument.{name}": each for name, each in describer.tensors.items()}
    document["components"] = provenance([*classes, *describer.classes])
    write_bytes(path, packed(document, tensors))


def _refuse_other_types(*given: object) -> None:
    kinds = (Module, Optimizer, Loss, History)
    for place, (value, kind) in enumerate(zip(given, kinds, strict=True)):
        if not (isinstance(value, kind) or (value is None and place)):
            raise CheckpointError(
                "save(path, model, optimizer, loss=..., history=...) takes a corenet.Module, a corenet.Optimizer, "
                f"a corenet.Loss and a corenet.History, not {value!r:.80}"
            )


def _tensors(prefix: str, tree: Module | Loss) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tree.state_dict().items()}


def _table(table: Table | TableCoding | None) -> dict[str, Any] | None:
    coding = table.coding if isinstance(table, Table) else table
    if not isinstance(coding, (TableCoding, type(None))):
        raise CheckpointError(f"table= takes a table that cn.table made, or its coding, not {table!r:.80}")
    return None if coding is None else coding.to_dict()


def _training(describer: Describer, training: Mapping[str, Any] | None) -> dict[str, Any] | None:
    try:
        return None if training is None else {name: describer.value(value, name) for name, value in training.items()}
    except NotKeptError as error:
        raise CheckpointError(f"the training cannot be saved: {error}") from error


def _named(cls: type) -> str | None:
    component = component_of(cls)
    return None if component is None else component.qualified_name


def _model(describer: Describer, model: Module) -> dict[str, Any]:
    """Return the description of a model, or why there is none."""
    try:
        return {"model": describer.component(model), "tied": tied(model)}
    except NotKeptError as error:
        return {"model": {"unknown": str(error)}, "tied": {}}


def _loss(describer: Describer, loss: Loss) -> dict[str, Any]:
    try:
        return describer.component(loss)
    except NotKeptError as error:
        return {"unknown": str(error)}


def _optimizer(
    describer: Describer, optimizer: Optimizer, state: Mapping[str, Any], model: Module, loss: Loss | None
) -> dict[str, Any]:
    named = {f"model.{name}": each for name, each in model.named_tensors()}
    named |= {} if loss is None else {f"loss.{name}": each for name, each in loss.named_tensors()}
    names = names_of(optimizer, named)
    try:
        head = described(state, describer)
    except NotKeptError as error:
        raise CheckpointError(f"{optimizer!r} has a group with a value that no file holds: {error}") from error
    return {"built": _built(describer, optimizer, names), "parameters": names, **head}


def described_parts(model: Module, loss: Loss, optimizer: Optimizer) -> dict[str, Any]:
    """Return how model, loss and optimizer are built, as a file says it, the numbers in their tensors left out."""
    describer = Describer(_named)
    try:
        made: Any = {"optimizer": type(optimizer).__name__, "arguments": describer.arguments(optimizer, but=1)}
    except NotKeptError as error:
        made = {"unknown": str(error)}
    return {"model": _model(describer, model), "loss": _loss(describer, loss), "optimizer": made}


def _built(describer: Describer, optimizer: Optimizer, names: list[str] | None) -> dict[str, Any]:
    if names is None:
        return {"unknown": "it trains parameters that are not the model's; save the loss too if they are its"}
    try:
        return {"optimizer": describer.name(optimizer), "arguments": describer.arguments(optimizer, but=1)}
    except NotKeptError as error:
        return {"unknown": str(error)}


def _tensor(optimizer: Optimizer, name: str, value: object) -> Tensor:
    if not isinstance(value, Tensor):
        text = f"the state {name!r} of {optimizer!r} is {value!r:.80}, and a file keeps tensors"
        raise ConfigError(f"{text}: keep a number as torch.zeros(()), or use self.steps", name=name, value=value)
    return value
