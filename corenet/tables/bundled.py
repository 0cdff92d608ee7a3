"""Tables that are there by name: scikit-learn's bundled sets and the toy sets."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from corenet.data import Dataset
from corenet.errors import MissingExtraError
from corenet.tables.frames import of_columns
from corenet.tables.reader import pl
from corenet.tables.toys import TOYS

SCIKIT_LEARN = ("iris", "wine", "breast_cancer", "digits", "diabetes")
NAMES = (*SCIKIT_LEARN, *TOYS)
TOY_POINTS = 1000
TARGET = "target"


def bundled(name: str) -> pl.DataFrame | None:
    """Return the table of this name, its last column ``target``; None if there is none.

    A toy set has 1,000 points of the seed 0; :mod:`corenet.tables.toys` draws others.

    Raises:
        MissingExtraError: it comes with scikit-learn, which is not installed.

    >>> bundled("moons").columns
    ['x0', 'x1', 'target']
    """
    if name in TOYS:
        return _of_dataset(TOYS[name](TOY_POINTS, seed=0), classes=name not in ("sine", "bumps"))
    return _of_scikit_learn(name) if name in SCIKIT_LEARN else None


def _of_dataset(data: Dataset, *, classes: bool) -> pl.DataFrame:
    target = data.targets[:, 0]
    return of_columns({"x": data.inputs, TARGET: target.long() if classes else target})


def _of_scikit_learn(name: str) -> pl.DataFrame:
    try:
        datasets = import_module("sklearn.datasets")
    except ImportError as error:
        raise MissingExtraError(f"{name!r} comes with scikit-learn; run: pip install 'corenet[sklearn]'") from error
    found = getattr(datasets, f"load_{name}")()
    named = hasattr(found, "target_names") and isinstance(found.target_names[0], str)
    target = np.asarray(found.target_names)[found.target] if named else found.target
    return of_columns({**dict(zip(found.feature_names, found.data.T, strict=True)), TARGET: target})
