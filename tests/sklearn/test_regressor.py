"""What a regressor learns, and in which form it gives it back."""

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

import corenet as cn
from corenet.sklearn import CorenetRegressor
from corenet.sklearn.rows import Rows


def test_values_come_back_in_their_form(points):
    X, _ = points
    flat = X @ [1.5, -0.5]
    two = np.column_stack([flat, flat**2])
    model = CorenetRegressor(16, "tanh", lr=0.02, epochs=150, random_state=0)
    assert model.fit(X, flat).predict(X).shape == (90,)
    assert model.score(X, flat) > 0.98
    assert model.fit(X, two).predict(X).shape == (90, 2)
    assert model.score(X, two) > 0.9
    with pytest.warns(match="column-vector"):
        model.fit(X, flat[:, None])
    assert model.predict(X).shape == (90,)


def test_the_scores_of_the_kept_rows_are_scikit_learns(points):
    X, _ = points
    Y = np.column_stack([X @ [1.5, -0.5], np.sin(X[:, 0])])
    weights = np.linspace(0.1, 2.0, 90)
    model = CorenetRegressor(8, epochs=3, validation_fraction=0.3, random_state=0).fit(X, Y, weights)
    rows = Rows(torch.from_numpy(X), torch.from_numpy(Y), torch.from_numpy(weights))
    _, kept = rows.split(0.3, model._seed, stratified=False)
    expected = r2_score(kept.targets, model.predict(kept.inputs.numpy()), sample_weight=kept.weights)
    assert model.validation_scores_[-1] == pytest.approx(expected)
    assert len(model.validation_scores_) == 3


def test_a_pass_is_an_epoch(points):
    X, _ = points
    y = X @ [1.5, -0.5]
    parts = CorenetRegressor(6, random_state=3).partial_fit(X, y).partial_fit(X, y)
    whole = CorenetRegressor(6, random_state=3, epochs=2).fit(X, y)
    np.testing.assert_allclose(parts.predict(X), whole.predict(X))
    with pytest.raises(cn.DataError, match="y has 2 columns, and the network was made for 1"):
        parts.partial_fit(X, np.column_stack([y, y]))


def test_another_loss(points):
    X, _ = points
    model = CorenetRegressor(6, loss="mae", epochs=40, random_state=0, lr=0.02).fit(X, X[:, 0])
    assert model.loss_curve_[-1] == pytest.approx(np.abs(model.predict(X) - X[:, 0]).mean(), rel=0.2)


def test_a_training_that_diverges_leaves_the_weights_before(points):
    X, _ = points
    model = CorenetRegressor(6, optimizer="sgd", lr=1e6, epochs=50, random_state=0)
    with pytest.raises(cn.NonFiniteError):
        model.fit(X, X[:, 0])
    assert all(bool(weight.isfinite().all()) for weight in model.model_.parameters())
    assert model.n_iter_ < 50
