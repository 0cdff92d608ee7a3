"""A network that tells values, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import RegressorMixin

from corenet.contracts.module import Module
from corenet.making import loss_of
from corenet.sklearn.estimator import NetworkEstimator
from corenet.sklearn.values import Values
from corenet.training.engines.select import EngineName

Array = np.ndarray[Any, Any]


class CorenetRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A network for values, one a row or several.

    Its arguments are those of :class:`CorenetClassifier` without ``class_weight``. The ``loss`` is the mean squared
    error if None; ``validation_scores_`` are R². Values are learnt as they are: for those far from 0, or much larger
    than 1, put it in a :class:`sklearn.compose.TransformedTargetRegressor`.

    >>> import numpy as np
    >>> X = np.linspace(-2, 2, 200).reshape(-1, 1)
    >>> model = CorenetRegressor(hidden=(32,), activation="tanh", lr=0.02, random_state=0).fit(X, np.sin(X[:, 0]))
    >>> model.score(X, np.sin(X[:, 0])) > 0.95
    True
    """

    _is_of_values = True

    def __init__(
        self,
        hidden: int | Sequence[int] = (100,),
        activation: Any = "relu",
        *,
        dropout: float = 0.0,
        init: Any = "xavier_uniform",
        module: Callable[[int, int], Module] | None = None,
        loss: Any = None,
        optimizer: Any = "adam",
        lr: float | None = 1e-3,
        weight_decay: float | None = None,
        schedule: Any = None,
        epochs: int = 200,
        batch_size: int | Literal["auto"] = "auto",
        early_stopping: bool = False,
        validation_fraction: float | None = None,
        patience: int = 10,
        metrics: Sequence[Any] = (),
        callbacks: Sequence[Any] = (),
        warm_start: bool = False,
        random_state: Any = None,
        engine: EngineName = "auto",
        verbose: bool = False,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.init = init
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.metrics = metrics
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.engine = engine
        self.verbose = verbose

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one pass over some rows."""
        return self._pass(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """Return the values of each row, in the form of those that were learnt."""
        output = self._output(X)
        return self._coding.read(output)

    def _coding_of(self, y: Array, classes: Any = None) -> Values:
        loss = loss_of("mse" if self.loss is None else self.loss)
        return Values(1 if y.ndim == 1 else y.shape[1], loss, flat=y.ndim == 1)
