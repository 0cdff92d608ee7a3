"""scikit-learn's own tools around the estimators."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import corenet as cn
from corenet.sklearn import CorenetClassifier, CorenetRegressor

SMALL = {"hidden": 6, "lr": 0.05, "epochs": 30, "random_state": 0}


def test_a_pipeline_and_cross_validation(points):
    X, y = points
    pipeline = make_pipeline(StandardScaler().set_output(transform="default"), CorenetClassifier(**SMALL))
    assert cross_val_score(pipeline, X * 50 + 1000, y, cv=3).mean() > 0.8
    assert pipeline.fit(X, y, corenetclassifier__sample_weight=np.ones(90)).score(X, y) > 0.9


def test_a_grid_search_finds_the_rate_that_learns(points):
    X, y = points
    grid = {"lr": [1e-7, 0.05], "optimizer": ["adam", "sgd"], "hidden": [(6,)]}
    search = GridSearchCV(CorenetClassifier(epochs=30, random_state=0), grid, cv=3).fit(X, y)
    assert search.best_params_ == {"hidden": (6,), "lr": 0.05, "optimizer": "adam"}
    assert search.best_score_ > 0.8


def test_a_copy_has_the_arguments_and_nothing_learnt(points):
    model = CorenetClassifier(loss=cn.CrossEntropyLoss(), callbacks=[cn.EarlyStopping("loss")], **SMALL).fit(*points)
    copied = clone(model)
    assert not hasattr(copied, "model_")
    assert copied.callbacks[0] is not model.callbacks[0]
    assert {**copied.get_params(), "loss": 0, "callbacks": 0} == {**model.get_params(), "loss": 0, "callbacks": 0}


def test_a_pickled_one_predicts_and_goes_on(points):
    X, y = points
    model = CorenetClassifier(**SMALL).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    again.partial_fit(X, y)
    model.partial_fit(X, y)
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), rtol=1e-9)
    assert again.loss_curve_ == pytest.approx(model.loss_curve_)


def test_sparse_rows_are_made_dense(points):
    X, y = points
    X = np.where(np.abs(X) > 0.5, X, 0)
    model = CorenetClassifier(**SMALL).fit(X, y)
    of_sparse = CorenetClassifier(**SMALL).fit(csr_array(X), y)
    np.testing.assert_array_equal(of_sparse.predict_proba(csr_array(X)), model.predict_proba(X))


def test_targets_may_be_standardised(points):
    X, _ = points
    y = 5000 + 300 * X[:, 0]
    model = TransformedTargetRegressor(CorenetRegressor(**SMALL), transformer=StandardScaler())
    assert model.fit(X, y).score(X, y) > 0.9


def test_numbers_keep_their_precision(points):
    X, y = points
    for dtype in (np.float32, np.float64):
        model = CorenetClassifier(**SMALL).fit(X.astype(dtype), y)
        assert model.predict_proba(X.astype(dtype)).dtype == dtype
        assert str(model.model_[0].weight.dtype) == f"torch.{np.dtype(dtype).name}"


def test_without_scikit_learn_there_is_one_line():
    code = "import sys; sys.modules['sklearn'] = None\nimport corenet.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        'corenet.errors.MissingExtraError: corenet.sklearn needs scikit-learn; run: pip install "corenet[sklearn]"'
    )
