"""What the classifier and the regressor share: from arrays to a trained network, and from rows to its outputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from math import ceil
from numbers import Integral
from typing import Any, Self

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight
from torch import Tensor

from corenet.contracts.callback import Callback
from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import AdviceWarning, ConfigError
from corenet.history import History
from corenet.integers import positive_integer
from corenet.making import module_of, network, new, optimizer_of, schedule_of
from corenet.registry.named import class_of
from corenet.sklearn.coding import Coding, Scores
from corenet.sklearn.inputs import OfRows
from corenet.sklearn.row_weights import RowWeightedLoss
from corenet.sklearn.rows import Rows
from corenet.sklearn.weighted_metrics import of_targets
from corenet.training.fit import fit

Array = np.ndarray[Any, Any]
MOST_ROWS_A_STEP = 200  # that batch_size="auto" takes, as scikit-learn's networks do
ROWS = 8192  # of a prediction at once: enough that the overhead is small, few enough to stay in the cache
SEEDS = 2**31 - 1


class NetworkEstimator(OfRows):
    """An estimator that trains a network by :func:`corenet.fit`."""

    model_: Module
    loss_: Loss
    optimizer_: Optimizer
    history_: History
    callbacks_: list[Any]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network; with ``warm_start`` the one that is there, by a new optimizer.

        Args:
            X: a row a point: an array, a frame of pandas or polars, or a sparse matrix, which is made dense.
            y: the targets.
            sample_weight: how much each row counts.

        Raises:
            ValueError, TypeError: the data cannot be used, which is said in one line.
            NonFiniteError: the training diverged; the network is as it was before that step.
        """
        goes_on = self.warm_start and hasattr(self, "model_")
        self._seed = self._drawn_seed()
        rows = self._rows(X, y, sample_weight, goes_on=goes_on)
        if not goes_on:
            self._start(rows)
        train, kept = rows, None
        if fraction := self._validation_fraction():
            train, kept = rows.split(fraction, self._seed, stratified=self._is_stratified())
        self._optimize(len(train))
        self.history_ = History()
        self._train(train, kept, self.epochs)
        return self

    def _pass(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        """Train for one pass over some rows, and go on where the last one ended."""
        if self.early_stopping:
            raise ConfigError(
                "partial_fit keeps no rows to stop early by; leave early_stopping out", name="early_stopping"
            )
        goes_on = hasattr(self, "model_")
        rows = self._rows(X, y, sample_weight, classes, goes_on=goes_on)
        if not goes_on:
            self._seed = self._drawn_seed()
            self._start(rows)
            self._optimize(len(rows))
            self.history_ = History()
        self._train(rows, None, len(self.history_) + 1)
        return self

    # What came of it.

    @property
    def n_iter_(self) -> int:
        """How many epochs were done."""
        return len(self.history_)

    @property
    def loss_curve_(self) -> list[float]:
        """The training loss of each epoch."""
        return self.history_.losses

    # From what is given to what is trained.

    def _coding_of(self, y: Array, classes: Any = None) -> Coding:
        """Find out what is to be learnt, of what is there and of ``classes`` that may come."""
        raise NotImplementedError

    def _weights(self, y: Array, weights: Array | None) -> Array | None:
        """Return how much each row counts."""
        return weights

    def _is_stratified(self) -> bool:
        """Tell whether each class has its part in the rows that are kept from the training."""
        return False

    def _rows(self, X: Any, y: Any, sample_weight: Any, classes: Any = None, *, goes_on: bool) -> Rows:
        """Return the rows of a training, checked; what they say of it is noted, unless one is gone on with."""
        X, y = self._checked(X, y, goes_on=goes_on)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        if not goes_on:
            self._coding = self._coding_of(y, classes)
            self.loss_ = self._coding.loss
        inputs = torch.tensor(X.toarray() if issparse(X) else X)
        weights = self._weights(y, weights)
        weights = None if weights is None else torch.tensor(weights, dtype=inputs.dtype)
        return Rows(inputs, self._coding.targets(y, inputs.dtype), weights).counted()

    def _drawn_seed(self) -> int:
        if isinstance(self.random_state, Integral):  # a generator that draws one number costs as much as ten steps
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(SEEDS))

    def _start(self, rows: Rows) -> None:
        """Make the network, by weights of its own seed; torch's generator stays where it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            sizes = rows.inputs.shape[1], self._coding.columns
            self._dtype = rows.inputs.dtype
            self.model_ = module_of(self._network if self.module is None else self.module, *sizes).to(self._dtype)

    def _network(self, in_features: int, out_features: int) -> Module:
        hidden = (self.hidden,) if isinstance(self.hidden, Integral) else self.hidden
        if isinstance(hidden, str) or not isinstance(hidden, Iterable):
            raise ConfigError(f"hidden is a width or a list of widths, such as (64, 64), not {hidden!r}", name="hidden")
        return network((in_features, *hidden, out_features), self.activation, self.dropout, self.init)

    def _optimize(self, rows: int) -> None:
        """Make the optimizer of a training of so many rows."""
        positive_integer("epochs", self.epochs)
        self.optimizer_ = optimizer_of(
            self.optimizer,
            [*self.model_.parameters(), *self.loss_.parameters()],
            lr=self.lr,
            weight_decay=self.weight_decay,
            schedule=schedule_of(self.schedule, self.epochs * ceil(rows / self._batch_size(rows))),
        )

    def _batch_size(self, rows: int) -> int:
        if self.batch_size == "auto":
            return min(MOST_ROWS_A_STEP, rows)
        positive_integer("batch_size", self.batch_size)
        return int(self.batch_size)

    def _validation_fraction(self) -> float:
        if self.validation_fraction is None:
            return 0.1 if self.early_stopping else 0.0
        return float(self.validation_fraction)

    def _train(self, train: Rows, kept: Rows | None, epochs: int) -> None:
        """Train to this epoch; what ends it before leaves the network, and the history, of then."""
        loss = self.loss_ if train.weights is None else RowWeightedLoss(self.loss_)
        data = [each.data() for each in (train, kept) if each is not None]
        metrics = self.metrics if train.weights is None else of_targets(self.metrics, self.loss_, *data)
        self.callbacks_ = [new("callback", each, "callbacks") for each in self.callbacks]
        scores = None if kept is None else Scores(self._coding, kept)
        self.validation_scores_ = None if scores is None else scores.values
        own: list[Callback] = [] if scores is None else [scores]
        if self.early_stopping:
            own.append(class_of("callback", "early_stopping")(patience=self.patience))
        done = self.history_
        try:
            with warnings.catch_warnings():
                if not self.verbose:  # each fit of a search would say it again
                    warnings.simplefilter("ignore", AdviceWarning)
                history = fit(
                    self.model_,
                    loss,
                    self.optimizer_,
                    *data,
                    epochs=epochs,
                    initial_epoch=len(done),
                    batch_size=self._batch_size(len(train)),
                    seed=self._seed,
                    metrics=metrics,
                    callbacks=[*own, *self.callbacks_],
                    progress=None if self.verbose else False,
                    engine=self.engine,
                )
        except BaseException as error:
            self.history_ = History([*done, *getattr(error, "history", ())])
            raise
        finally:
            self.model_.eval()
        self.history_ = History([*done, *history], history.engine)

    # From rows to outputs.

    def _output(self, X: Any) -> Tensor:
        """Return what the network gives for rows, some thousands at once."""
        rows = self._known(X)
        with evaluating(self.model_):
            if rows.shape[0] <= ROWS:
                return self.model_(self._tensor(rows))
            parts = [self.model_(self._tensor(rows[at : at + ROWS])) for at in range(0, rows.shape[0], ROWS)]
        return torch.cat(parts)
