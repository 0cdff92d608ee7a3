"""Frames of pandas and polars whose columns are no mere numbers, as numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from corenet.errors import DataError

Array = np.ndarray[Any, Any]
MOST = 1000  # categories of a column: each is a column of its own, and more are likely names or free text


class Columns:
    """How the columns of a frame become numbers, found out from the rows of a training.

    Numbers are standardised, their gaps filled by the median. A column of anything else is one of categories: there is
    a column of 0 and 1 for each, a gap being one of them; one that the training had not is 0 in all.

    Raises:
        DataError: a column has dates, or more than a thousand categories.
    """

    def __init__(self, frame: Any) -> None:
        names = list(frame.columns)
        for name in names:
            _refuse_dates(name, frame[name].dtype)
        self.numbers = [name for name in names if _is_number(frame[name].dtype)]
        self.categories = [name for name in names if name not in self.numbers]
        self._scaled: Pipeline = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
        )
        self._one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        if self.numbers:
            self._scaled.fit(self._numbers(frame))
        if self.categories:
            self._one_hot.fit(self._texts(frame))
            for name, found in zip(self.categories, self._one_hot.categories_, strict=True):
                _refuse_many(name, len(found))

    def __call__(self, frame: Any) -> Array:
        """Return a frame of the same columns as numbers."""
        parts = [self._scaled.transform(self._numbers(frame))] if self.numbers else []
        parts += [self._one_hot.transform(self._texts(frame))] if self.categories else []
        return np.hstack(parts).astype(np.float32)

    def _numbers(self, frame: Any) -> Array:
        for name in self.numbers:
            if not _is_number(frame[name].dtype):
                raise DataError(f"column {name!r} had numbers in training, and has {frame[name].dtype} now")
        return np.column_stack([_as_floats(frame[name]) for name in self.numbers])

    def _texts(self, frame: Any) -> Array:
        return np.column_stack([_as_texts(frame[name]) for name in self.categories])


def is_frame(value: object) -> bool:
    """Tell whether a value is a frame, of pandas or of polars."""
    return hasattr(value, "columns") and hasattr(value, "dtypes")


def refuse_twins(frame: Any) -> None:
    """Refuse a frame with two columns of one name, of which no one can tell which is meant.

    Raises:
        DataError: it has two.
    """
    names = list(frame.columns)
    if twins := [name for name, times in Counter(names).items() if times > 1]:
        raise DataError(f"X has two columns {twins[0]!r}; give each a name of its own")


def needs_coding(frame: Any) -> bool:
    """Tell whether a frame has a column that is no number, or one with gaps."""
    columns = [frame[name] for name in frame.columns]
    return any(not _is_number(column.dtype) or bool(_gaps(column).any()) for column in columns)


def _is_number(dtype: Any) -> bool:
    if hasattr(dtype, "kind"):  # pandas
        return dtype.kind in "biuf"
    return bool(dtype.is_numeric()) or str(dtype) == "Boolean"


def _gaps(column: Any) -> Array:
    if hasattr(column, "isna"):  # pandas, where NaN is a gap
        return np.asarray(column.isna())
    gaps = column.is_null()
    return np.asarray(gaps | column.is_nan().fill_null(True) if column.dtype.is_float() else gaps)


def _as_floats(column: Any) -> Array:
    if hasattr(column, "isna"):
        floats: Array = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return floats
    return np.array(column.to_list(), dtype=np.float64)  # None becomes NaN


def _as_texts(column: Any) -> Array:
    texts = np.array([str(value) for value in column.to_list()], dtype=object)
    texts[_gaps(column)] = None
    return texts


def _refuse_dates(name: object, dtype: Any) -> None:
    if dtype.kind in "mM" if hasattr(dtype, "kind") else dtype.is_temporal():
        raise DataError(
            f"column {name!r} has dates; give numbers made of them, such as the year or the day of the week"
        )


def _refuse_many(name: object, found: int) -> None:
    if found > MOST:
        raise DataError(
            f"column {name!r} has {found} categories, more than {MOST}; leave it out, or code it as numbers"
        )
