"""The model that a command is given: a file, or the folder of a run."""

from __future__ import annotations

from pathlib import Path

from corenet.checkpoint.loading import load
from corenet.errors import CheckpointError
from corenet.tables.predicting import Predictor


def predictor(model: Path, *, allow_unseen: bool) -> Predictor:
    """Return the model of a file, or of a run's folder, with the coding of its table.

    Raises:
        OutputError: there is none.
        CheckpointError: the file is no model's, or has no table.
    """
    found = load(model)
    if found.table is None:
        raise CheckpointError(
            f"{model} does not say how a table becomes its inputs; save it so: "
            "cn.save(path, model, loss=loss, table=table)"
        )
    return Predictor(found.model, found.table, found.loss, allow_unseen)
