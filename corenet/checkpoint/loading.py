"""Reading a model file: into what is there, or built anew."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from torch import Tensor

from corenet.checkpoint.container import Contents, read
from corenet.checkpoint.description import Builder
from corenet.checkpoint.document import refuse_unknown
from corenet.checkpoint.earlier import document_of, is_earlier
from corenet.checkpoint.history_state import history_of
from corenet.checkpoint.optimizer_state import left_at, state_of
from corenet.checkpoint.rebuilding import Rebuilding
from corenet.checkpoint.same_model import refuse_foreign_optimizer, refuse_other_modules
from corenet.checkpoint.settings import warn_of_other_settings
from corenet.contracts.draws import Left, leave
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.other_kinds import refuse_other_kind
from corenet.errors import CheckpointError, CheckpointWarning, CorenetError, OutputError
from corenet.history import History
from corenet.paths import path_of
from corenet.registry.sanitize import plain
from corenet.tables.coding import TableCoding

MODEL = "model.safetensors"  # the file in the folder of a run


@dataclass(frozen=True)
class Loaded:
    """What a file held, built again; what was not saved is None."""

    model: Module
    optimizer: Optimizer | None = None
    loss: Loss | None = None
    table: TableCoding | None = None
    history: History | None = None


@overload
def load(path: str | Path) -> Loaded: ...
@overload
def load(path: str | Path, model: Module, optimizer: Optimizer | None = None) -> None: ...
def load(path: str | Path, model: Module | None = None, optimizer: Optimizer | None = None) -> Loaded | None:
    """Return what :func:`save` wrote, built again; or read it into ``model``, and into ``optimizer`` if given.

    ``path`` is the file, or the folder of a run with a ``model.safetensors`` in it.

    Components are found by the names in the file among those that are installed: a file never says what is run. The
    result has ``model``, ``optimizer``, ``loss``, ``table`` and ``history``; what was not saved is None.

    Raises:
        OutputError: there is no such file.
        CheckpointError: it is no checkpoint, is damaged, needs a plugin that is not installed, does not describe how
            the model is built, or has no optimizer state.
        StructureError, ShapeError, DTypeError: it is of a model of other tensors or modules; nothing was changed.

    A module of the same class that was saved with another setting, such as the ``p`` of a Dropout, is filled with a
    :class:`CheckpointWarning` that names it: what it computes may be something else.

    >>> import corenet as cn, tempfile
    >>> a, b = cn.Linear(2, 1), cn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cn.save(f"{folder}/model.safetensors", a)
    ...     cn.load(f"{folder}/model.safetensors", b)
    ...     cn.load(f"{folder}/model.safetensors")
    Loaded(model=Linear(2 → 1), optimizer=None, loss=None, table=None, history=None)
    >>> bool((a.weight == b.weight).all())
    True
    """
    if model is not None or optimizer is not None:
        refuse_other_kind("load", model, Module, "a model, such as cn.Sequential(...)")
        refuse_other_kind("load", optimizer, Optimizer | None, "the optimizer of the model")
    contents, document = opened(path)
    if model is None:
        return _built(contents, document)
    _fill(contents, document, model, optimizer)
    return None


def load_state(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a saved model by name, as its ``state_dict()`` has them, without any of its components.

    Raises:
        OutputError: there is no such file.
        CheckpointError: it is no checkpoint, or is damaged.

    >>> import corenet as cn, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cn.save(f"{folder}/model.safetensors", cn.Linear(2, 1, init="zeros"))
    ...     cn.load_state(f"{folder}/model.safetensors")["weight"]
    tensor([[0., 0.]])
    """
    contents, _ = opened(path)
    return {name: tensor.clone() for name, tensor in contents.tensors("model.").items()}


def opened(path: str | Path) -> tuple[Contents, dict[str, Any]]:
    """Return what a file holds, and what it says of it, checked."""
    contents = read(_file(path_of("load", path)))
    if is_earlier(contents):
        return contents, document_of(contents)
    if contents.document is None:
        raise CheckpointError(f"{path} is a safetensors file, but not one that corenet.save wrote")
    try:
        refuse_unknown(contents.document)
    except ValueError as error:
        raise CheckpointError(f"{path} is not a checkpoint: {plain(str(error))}") from error
    return contents, contents.document


def _file(path: Path) -> Path:
    """Return the file of a model; that of a run's folder, if ``path`` is one."""
    if not path.is_dir():
        return path
    if not (path / MODEL).exists():
        rounds = sorted(each.parent.name for each in path.glob(f"*/{MODEL}"))
        hint = f"; name one of {', '.join(rounds[:3])} in it" if rounds else ", so it is no folder of a run"
        raise OutputError(f"{path} is a folder without {MODEL}{hint}")
    return path / MODEL


def fill_training(
    path: Path,
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    refuse: Callable[[Path, dict[str, Any]], None],
) -> tuple[History, dict[str, Any]]:
    """Read a training into what it trains; return its history, and the values that say where it stands.

    ``refuse(path, values)`` is called before anything is filled.

    Raises:
        OutputError: there is no such file.
        CheckpointError: the file is of no training, or is damaged.
        StructureError, ShapeError, DTypeError: it belongs to another model.
    """
    contents, document = opened(path)
    history = _history(contents, document)
    if document["training"] is None or history is None:
        raise CheckpointError(f"{path} is no checkpoint of a training")
    try:
        values = _values(contents).arguments(document["training"])
        refuse(path, values)
    except CorenetError:
        raise
    except (ValueError, TypeError, LookupError) as error:
        raise CheckpointError(f"{path} has a training that is damaged: {plain(str(error))}") from error
    before = loss.state_dict()
    loss.load_state_dict(contents.tensors("loss."))
    try:
        _fill(contents, document, model, optimizer)
    except Exception:
        loss.load_state_dict(before)
        raise
    return history, values


def _fill(contents: Contents, document: dict[str, Any], model: Module, optimizer: Optimizer | None) -> None:
    before = model.state_dict()
    model.load_state_dict(contents.tensors("model."))
    try:
        refuse_other_modules(contents.path, document, model)
        warn_of_other_settings(contents.path, document["settings"], model)
        if optimizer is not None:
            refuse_foreign_optimizer(model, optimizer)
            _fill_optimizer(contents, document, optimizer)
    except Exception:
        model.load_state_dict(before)
        raise


def _fill_optimizer(contents: Contents, document: dict[str, Any], optimizer: Optimizer) -> None:
    if document["optimizer"] is None:
        raise CheckpointError(f"{contents.path} has no optimizer state; it was saved without an optimizer")
    left = _left(contents, document)
    try:
        state = state_of(document["optimizer"], contents.tensors("optimizer."), _values(contents))
    except (ValueError, TypeError, LookupError) as error:
        raise _damaged(contents, "an optimizer state", error) from error
    optimizer.load_state_dict(state)
    leave(optimizer, left)


def _left(contents: Contents, document: dict[str, Any]) -> Left | None:
    """Return where the training ended in the stream of random numbers, if the file says so."""
    try:
        return left_at(document["draws"], contents.tensors("draws."))
    except (ValueError, TypeError, LookupError) as error:
        raise _damaged(contents, "a place in the random numbers", error) from error


def _values(contents: Contents) -> Builder:
    """Return what reads values that are no components."""
    return Builder(_no_component, contents.tensors("argument."))


def _no_component(kind: str, name: str) -> type:
    raise ValueError(f"it has the {kind} {name!r} where a value is due")


def _built(contents: Contents, document: dict[str, Any]) -> Loaded:
    rebuilding = Rebuilding(contents, document)
    model, loss = rebuilding.model(), rebuilding.loss()
    optimizer = None
    if document["optimizer"] is not None:
        optimizer, why = rebuilding.optimizer(model, loss)
        if optimizer is not None:
            _fill_new(contents, document, optimizer)
        else:
            warnings.warn(f"{contents.path}: its optimizer stays out: {why}", CheckpointWarning, stacklevel=3)
    return Loaded(model, optimizer, loss, _table(contents, document), _history(contents, document))


def _table(contents: Contents, document: dict[str, Any]) -> TableCoding | None:
    try:
        return None if document["table"] is None else TableCoding.from_dict(document["table"])
    except CheckpointError as error:
        raise CheckpointError(f"{contents.path}: {plain(str(error))}") from error


def _fill_new(contents: Contents, document: dict[str, Any], optimizer: Optimizer) -> None:
    """Fill an optimizer that the file describes: that it does not fit is the file's fault, and not its user's."""
    try:
        _fill_optimizer(contents, document, optimizer)
    except CheckpointError:
        raise
    except (CorenetError, ValueError, TypeError, LookupError) as error:
        raise _damaged(contents, "an optimizer state", error) from error


def _history(contents: Contents, document: dict[str, Any]) -> History | None:
    if not document["history"]:
        return None
    try:
        return history_of(contents.tensor("history"), _values(contents))
    except (ValueError, TypeError, LookupError) as error:
        raise _damaged(contents, "a history", error) from error


def _damaged(contents: Contents, what: str, error: Exception) -> CheckpointError:
    return CheckpointError(f"{contents.path} has {what} that is damaged: {plain(str(error))}")
