"""What an estimator is given, checked: as scikit-learn checks it, and frames coded."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_X_y
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
from torch import Tensor

from corenet.errors import DataError
from corenet.sklearn.columns import Columns, is_frame, needs_coding, refuse_twins

Array = np.ndarray[Any, Any]
FLOATS = (np.float64, np.float32)


class OfRows(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator of rows of numbers; frames that have other columns, or gaps, are coded by ``coder_``."""

    _is_of_values: ClassVar[bool]  # targets are numbers, not classes
    coder_: Columns | None
    n_features_in_: int

    def _checked(self, X: Any, y: Any, *, goes_on: bool) -> tuple[Any, Array]:
        how = {"multi_output": True, "dtype": FLOATS, "y_numeric": self._is_of_values}
        if is_frame(X):
            refuse_twins(X)
        if not goes_on:
            self.coder_ = Columns(X) if is_frame(X) and needs_coding(X) else None
        if self.coder_ is None:
            X, y = validate_data(self, X, y, reset=not goes_on, accept_sparse="csr", **how)
        else:
            validate_data(self, X, y, reset=not goes_on, skip_check_array=True)
            X, y = check_X_y(self._known(X), y, estimator=self, **how)
        y = y.toarray() if issparse(y) else y
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _known(self, X: Any) -> Any:
        """Return rows as numbers, held against those of the training."""
        if not hasattr(self, "history_"):  # else the check would take longer than a small network
            check_is_fitted(self)
        if self.coder_ is not None:
            if not is_frame(X):
                raise DataError(f"the columns of a frame were coded in training; give a frame, not {type(X).__name__}")
            validate_data(self, X, reset=False, skip_check_array=True)
            return self.coder_(X)
        if self._is_plain(X):
            return X
        return validate_data(self, X, reset=False, accept_sparse="csr", dtype=FLOATS)

    def _is_plain(self, X: Any) -> bool:
        """Tell at once of what scikit-learn's checks, which take longer than a small network, would let through."""
        if type(X) is not np.ndarray or X.dtype not in FLOATS or X.ndim != 2 or len(X) == 0:
            return False
        return X.shape[1] == self.n_features_in_ and not hasattr(self, "feature_names_in_") and _is_finite(X)

    def _tensor(self, rows: Any) -> Tensor:
        dense = rows.toarray() if issparse(rows) else np.require(rows, requirements=["C", "W"])
        return torch.from_numpy(dense).to(self._dtype)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _is_finite(numbers: Array) -> bool:
    return bool(np.isfinite(numbers).all())
