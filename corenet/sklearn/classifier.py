"""A network that tells classes, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from corenet.contracts.module import Module
from corenet.errors import ConfigError, DataError
from corenet.making import loss_of
from corenet.sklearn.estimator import NetworkEstimator
from corenet.sklearn.labels import Labels
from corenet.training.engines.select import EngineName

Array = np.ndarray[Any, Any]


class CorenetClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A network for classes: labels of any type, two of them or more, or several yes-or-no labels a row.

    Where it means the same as in scikit-learn's ``MLPClassifier``, an argument is called and behaves the same, but that
    all ``epochs`` are trained unless ``early_stopping`` ends them.

    Args:
        hidden: the widths of the hidden layers; a number is one.
        activation: what follows each: the name of a module, its class, or an instance.
        dropout: the probability of a hidden unit to be dropped in training.
        init: how the weights start.
        module: a function ``(in_features, out_features)`` that makes the network, in the place of these four.
        loss: a name, a class or an instance. If None, binary cross-entropy of one logit for two classes, of one for
            each where a row has several labels, and cross-entropy of a logit for each class otherwise.
        optimizer: a name, a class, or a function of parameters such as ``partial(cn.SGD, momentum=0.9)``.
        lr: the learning rate; None leaves it to the optimizer.
        weight_decay: how much the weights shrink; None leaves it to the optimizer.
        schedule: what multiplies the rate: a function of the step, or a name: ``"cosine"`` and ``"one_cycle"`` are told
            how many steps there will be.
        epochs: passes over the rows.
        batch_size: rows a step; ``"auto"`` is 200, or all if there are fewer.
        early_stopping: end when the loss on the rows kept from the training has not become better for ``patience``
            epochs, with the weights of the best one.
        validation_fraction: the part of the rows to keep, whose loss and score are noted after each epoch; if None, a
            tenth where ``early_stopping`` needs them, else nothing.
        patience: how many epochs without a better loss end the training.
        metrics: what else to note after each epoch in ``history_``, as :func:`~corenet.fit` takes it.
        callbacks: what is done in the course of the training: names, or callbacks, of which each training has a copy.
        class_weight: how much a row of each class counts, by its label, or ``"balanced"``.
        warm_start: ``fit`` goes on with the network that is there.
        random_state: governs weights, the order of the rows and dropout; a number is the ``seed`` of
            :func:`~corenet.fit`, and makes a training repeatable.
        engine: how steps are run, as :func:`~corenet.fit` takes it.
        verbose: show the progress.

    ``classes_`` are the labels in order, ``model_`` is the trained network, ``loss_`` its loss, ``history_`` the record
    of the epochs, ``loss_curve_`` their training losses, ``n_iter_`` their number, ``validation_scores_`` the accuracy
    on the kept rows after each, ``callbacks_`` the copies of the callbacks.

    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(200, noise=0.1, random_state=0)
    >>> model = CorenetClassifier(hidden=(32,), lr=0.02, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    >>> model.predict_proba(X[:3]).shape
    (3, 2)
    """

    _is_of_values = False
    _coding: Labels
    classes_: Array

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
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
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
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.engine = engine
        self.verbose = verbose

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one pass over some rows.

        Args:
            X, y: the rows.
            classes: all labels that there will be, at the first call.
            sample_weight: how much each row counts.

        Raises:
            ConfigError: the first call has no ``classes``, or ``class_weight`` is ``"balanced"``, which only all rows
                tell.
        """
        if self.class_weight == "balanced":
            text = "partial_fit sees some of the rows, which do not tell the balance; give class_weight as a dict"
            raise ConfigError(text, name="class_weight", value=self.class_weight)
        if hasattr(self, "model_"):
            if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
                raise ConfigError(
                    f"classes must stay those of the first call, {self.classes_.tolist()}", name="classes"
                )
        elif classes is None:
            raise ConfigError("classes must be given at the first call of partial_fit", name="classes")
        return self._pass(X, y, sample_weight, classes)

    def predict(self, X: Any) -> Array:
        """Return the label of each row; of several, 0 or 1 for each."""
        output = self._output(X)
        return self._coding.read(output)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, a column for each of ``classes_``.

        Raises:
            ConfigError: the loss takes outputs for values, and has no probabilities.
        """
        output = self._output(X)
        return self._coding.probabilities(output)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _coding_of(self, y: Array, classes: Any = None) -> Labels:
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass", "multilabel-indicator"):
            check_classification_targets(y)  # says what they are, if no classes
            raise DataError("y has several columns of classes; train a classifier for each, or give columns of 0 and 1")
        several = kind == "multilabel-indicator"
        if several:
            self.classes_ = np.arange(y.shape[1])
        else:
            self.classes_ = np.unique(y if classes is None else np.asarray(classes))
        usual = "bce_with_logits" if several or len(self.classes_) == 2 else "cross_entropy"
        loss = loss_of(usual if self.loss is None else self.loss)
        if several and loss.class_dim is not None:
            text = f"loss: {loss!r} takes one class a row, and y has several labels; take {usual!r}, say"
            raise ConfigError(text, name="loss", value=self.loss)
        return Labels(self.classes_, loss, several)

    def _weights(self, y: Array, weights: Array | None) -> Array | None:
        if self.class_weight is None:
            return weights
        by_class: Array = compute_sample_weight(self.class_weight, y)
        return by_class if weights is None else by_class * weights

    def _is_stratified(self) -> bool:
        return not self._coding.several

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
