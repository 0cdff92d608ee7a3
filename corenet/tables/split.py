"""Which rows are for training, which to look on and which to test: each class in proportion."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from corenet.data import stream
from corenet.errors import ConfigError
from corenet.integers import integer

Rows = NDArray[np.int64]


def stratified(classes: Rows, valid: float, test: float, seed: int) -> tuple[Rows, Rows, Rows]:
    """Return the rows of the training, validation and test part, in the table's order.

    The rows are laid out class by class, shuffled within each, and every so manieth is taken: so each class is divided
    as the whole is, to within a row. One row of each class is kept for training from the start.

    Raises:
        ConfigError: a fraction is none, or leaves a part empty though it is not 0.

    >>> [part.tolist() for part in stratified(np.array([0, 1] * 4), 0.25, 0.25, seed=0)]
    [[0, 1, 3, 4], [5, 6], [2, 7]]
    """
    integer("seed", seed)
    counts = [_count(name, fraction, len(classes)) for name, fraction in (("valid", valid), ("test", test))]
    order, first = _by_class(classes, seed)
    rest = order[~first]
    if sum(counts) > len(rest):
        raise ConfigError(
            f"split: valid={valid} and test={test} of {len(classes)} rows leave too few to train on, less than one of "
            "each class",
            name="valid",
            value=valid,
        )
    tested, rest = _every_so_manieth(rest, counts[1])
    validated, rest = _every_so_manieth(rest, counts[0])
    return np.sort(np.concatenate([order[first], rest])), np.sort(validated), np.sort(tested)


def _count(name: str, fraction: float, length: int) -> int:
    if type(fraction) in (int, float) and fraction == 0:
        return 0
    count = round(length * fraction) if isinstance(fraction, float) and 0 < fraction < 1 else 0
    if count == 0:
        raise ConfigError(
            f"split: {name}={fraction!r} of {length} rows is no part; give a fraction such as 0.2",
            name=name,
            value=fraction,
        )
    return count


def _by_class(classes: Rows, seed: int) -> tuple[Rows, NDArray[np.bool_]]:
    """Return the rows class by class, shuffled within each, and which of them begin a class."""
    generator = torch.Generator().manual_seed(stream("table split", seed))
    shuffled = torch.randperm(len(classes), generator=generator).numpy()
    order = shuffled[np.argsort(classes[shuffled], kind="stable")]
    return order, np.diff(classes[order], prepend=-1) != 0


def _every_so_manieth(rows: Rows, count: int) -> tuple[Rows, Rows]:
    """Return ``count`` of the rows, evenly from first to last, and the others."""
    taken = (np.arange(count) + 0.5) * len(rows) // max(count, 1)
    chosen = np.isin(np.arange(len(rows)), taken.astype(int))
    return rows[chosen], rows[~chosen]
