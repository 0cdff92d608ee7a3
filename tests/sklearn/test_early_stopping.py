"""Rows that are kept from the training: what is noted of them, and when it ends."""

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.sklearn import CorenetClassifier
from corenet.sklearn.rows import Rows

STOPS = CorenetClassifier(12, lr=0.05, epochs=300, early_stopping=True, patience=4, random_state=1)


def test_it_ends_with_the_weights_of_the_best_epoch(points):
    X, y = points
    model = STOPS.fit(X, y)
    losses = [epoch.valid["loss"] for epoch in model.history_]
    best = int(np.argmin(losses))
    assert model.n_iter_ == best + 1 + 4 < 300
    assert len(model.validation_scores_) == model.n_iter_
    indices = np.unique(y, return_inverse=True)[1]
    _, kept = Rows(torch.from_numpy(X), torch.from_numpy(indices)).split(0.1, model._seed, stratified=True)
    right = model.predict(kept.inputs.numpy()) == model.classes_[kept.targets]
    assert model.validation_scores_[best] == pytest.approx(right.mean())
    assert np.bincount(kept.targets).min() >= 2  # each class has its part


def test_rows_may_be_kept_without_an_early_end(points):
    X, y = points
    model = CorenetClassifier(epochs=3, validation_fraction=0.25).fit(X, y)
    assert [sorted(epoch.valid) for epoch in model.history_] == [["loss"]] * 3
    assert len(model.validation_scores_) == 3
    assert CorenetClassifier(epochs=2).fit(X, y).validation_scores_ is None


def test_a_fraction_that_leaves_a_part_empty_is_refused(points):
    X, y = points
    for fraction in (0.001, 1.0, -0.5):
        with pytest.raises(cn.ConfigError, match=r"validation_fraction: .* leaves one of the two parts empty"):
            CorenetClassifier(validation_fraction=fraction).fit(X, y)


def test_a_training_that_is_interrupted_keeps_what_it_has(points):
    X, y = points

    class Interrupt(cn.Callback):
        def after_epoch(self, training):
            if training.epoch == 3:
                raise KeyboardInterrupt

    model = CorenetClassifier(epochs=9, callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_iter_ == 3
    assert model.predict(X).shape == (90,)
