"""Weights of rows and of classes, and what is measured beside them."""

import numpy as np
import pytest

import corenet as cn
from corenet.sklearn import CorenetClassifier, CorenetRegressor

SMALL = {"hidden": 6, "lr": 0.02, "epochs": 30, "random_state": 0}


def test_a_row_of_weight_zero_is_not_there(points):
    X, y = points
    weights = np.where(np.arange(90) % 3 == 0, 0.0, 1.7)
    weighted = CorenetClassifier(**SMALL).fit(X, y, weights)
    without = CorenetClassifier(**SMALL).fit(X[weights > 0], y[weights > 0])
    np.testing.assert_allclose(weighted.predict_proba(X), without.predict_proba(X), atol=1e-9)
    assert weighted.score(X, y) > 0.8


def test_a_class_of_weight_two_is_its_rows_of_weight_two(points):
    X, y = points
    by_class = CorenetClassifier(class_weight={"low": 2.0, "top": 0.5}, **SMALL).fit(X, y)
    weights = np.select([y == "low", y == "top"], [2.0, 0.5], 1.0)
    np.testing.assert_allclose(
        by_class.predict_proba(X), CorenetClassifier(**SMALL).fit(X, y, weights).predict_proba(X)
    )
    both = CorenetClassifier(class_weight={"low": 2.0, "top": 0.5}, **SMALL).fit(X, y, weights)
    np.testing.assert_allclose(both.predict_proba(X), CorenetClassifier(**SMALL).fit(X, y, weights**2).predict_proba(X))


def test_balanced_classes_count_alike(points):
    X, _ = points
    rare = (X[:, 0] > 1.2).astype(int)
    balanced = CorenetClassifier(class_weight="balanced", **SMALL).fit(X, rare)
    plain = CorenetClassifier(**SMALL).fit(X, rare)
    assert balanced.predict(X).sum() > plain.predict(X).sum()


def test_metrics_leave_the_weights_aside(points):
    X, y = points

    def share(model, data):
        return float((data.targets == 0).double().mean())

    metrics = ["accuracy", cn.F1(), "confusion_matrix", share]
    weights = np.linspace(0.2, 3.0, 90)
    model = CorenetClassifier(metrics=metrics, validation_fraction=0.2, **SMALL).fit(X, y, weights)
    last = model.history_[-1]
    assert sum(map(sum, last.train["confusion_matrix"])) == 72
    right = sum(row[place] for place, row in enumerate(last.valid["confusion_matrix"]))
    assert last.valid["accuracy"] == pytest.approx(right / 18)
    assert last.train["share"] == pytest.approx((y == "low").mean(), abs=0.03)
    assert set(last.valid) == {"loss", "accuracy", "f1", "confusion_matrix", "share"}


def test_no_callback_watches_a_matrix_of_weighted_rows(points):
    model = CorenetClassifier(
        metrics=["confusion_matrix"], callbacks=[cn.EarlyStopping("train_confusion_matrix", mode="max")], **SMALL
    )
    with pytest.raises(cn.ConfigError, match="'train_confusion_matrix' is a list, not a number; there are loss"):
        model.fit(*points, np.linspace(0.2, 3.0, 90))


def test_a_callback_watches_a_metric_of_weighted_rows(points):
    X, y = points
    stopping = cn.EarlyStopping("valid_f1", patience=3)
    model = CorenetClassifier(
        6, lr=0.02, epochs=200, random_state=0, metrics=["f1"], callbacks=[stopping], validation_fraction=0.2
    ).fit(X, y, np.linspace(0.2, 3.0, 90))
    (copied,) = model.callbacks_
    assert model.n_iter_ == copied.stopped_epoch == copied.best_epoch + 3
    assert stopping.best_epoch is None  # the one that was given is left as it is


def test_weights_that_are_none_are_refused(points):
    X, y = points
    with pytest.raises(cn.DataError, match="0 for every row"):
        CorenetClassifier(class_weight=dict.fromkeys(y, 0.0)).fit(X, y)
    with pytest.raises(ValueError, match="at least one"):
        CorenetRegressor().fit(X, X[:, 0], np.zeros(90))
    with pytest.raises(ValueError, match="Negative values"):
        CorenetClassifier().fit(X, y, np.full(90, -1.0))
