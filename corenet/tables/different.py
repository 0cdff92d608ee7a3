"""The different cells of a column of text, each read once: a column of words has few of them in many rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corenet.tables.reader import pl

MANY = 1000  # rows, from which on it is worth it
SHARE = 0.1  # of the rows, that the different cells may be


class Different:
    """The different ``cells`` of a column, and where each row's is among them; a cell that is null is none."""

    def __init__(self, cells: pl.Series, places: NDArray[np.int64]) -> None:
        self.cells, self._places = cells, places

    def spread(self, values: NDArray[Any], of_null: Any) -> NDArray[Any]:
        """Return for each row the value of its cell.

        >>> found = different(pl.Series(["b", None, "a", "b"] * 500))
        >>> found.spread(found.cells.str.len_chars().to_numpy(), 0)[:4].tolist()
        [1, 0, 1, 1]
        """
        spread: NDArray[Any] = np.append(values, np.array([of_null], values.dtype))[self._places]
        return spread


def different(cells: pl.Series) -> Different | None:
    """Return the different cells of a column of text, or None where they are not few."""
    if len(cells) < MANY or cells.dtype != pl.String:
        return None
    found = cells.unique().drop_nulls()
    if len(found) > SHARE * len(cells):
        return None
    places = cells.cast(pl.Enum(found)).to_physical().cast(pl.Int64).fill_null(len(found))
    return Different(found, places.to_numpy())
