"""Frames of pandas and polars: numbers as they are, everything else coded."""

import numpy as np
import pytest

import corenet as cn
from corenet.sklearn import CorenetClassifier
from corenet.sklearn.columns import needs_coding

SMALL = {"epochs": 40, "hidden": 12, "lr": 0.02, "random_state": 0}


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    """Return what makes a frame of columns."""
    return pytest.importorskip(request.param).DataFrame


@pytest.fixture
def messy(frame):
    """Return columns with gaps and texts, and labels that need both sorts."""
    random = np.random.default_rng(2)
    colour = random.choice(["red", "green", "blue"], 150).tolist()
    size = random.normal(50, 20, 150)
    labels = np.where((np.array(colour) == "red") ^ (size > 50), "in", "out")
    colour[3], size[4] = None, np.nan
    return frame({"colour": colour, "size": size, "new": random.random(150) > 0.5}), labels


def test_columns_become_numbers(frame, messy):
    X, y = messy
    model = CorenetClassifier(**SMALL).fit(X, y)
    assert model.feature_names_in_.tolist() == ["colour", "size", "new"]
    assert model.n_features_in_ == 3
    coded = model._known(X)
    sizes = np.array(X["size"].to_list(), dtype=float)
    sizes[4] = np.nanmedian(sizes)
    np.testing.assert_allclose(coded[:, 0], (sizes - sizes.mean()) / sizes.std(), atol=1e-5)
    assert coded[3, 2:].tolist() == [0, 0, 0, 1]  # blue, green, red, and a gap
    assert coded[:, 2:].sum() == 150
    assert model.score(X, y) > 0.9


def test_what_the_training_had_not_is_zero_in_all(frame, messy):
    X, y = messy
    model = CorenetClassifier(**SMALL).fit(X, y)
    new = frame({"colour": ["violet", "green"], "size": [None, 3.0], "new": [True, False]})
    assert model._known(new)[0, 2:].tolist() == [0, 0, 0, 0]
    assert np.isfinite(model.predict_proba(new)).all()


def test_numbers_alone_are_taken_as_they_are(frame):
    numbers = np.random.default_rng(0).normal(3, 2, (40, 2))
    X, y = frame({"a": numbers[:, 0], "b": numbers[:, 1]}), np.arange(40) % 2
    assert not needs_coding(X)
    of_frame, of_array = CorenetClassifier(**SMALL).fit(X, y), CorenetClassifier(**SMALL).fit(numbers, y)
    assert of_frame.coder_ is None
    np.testing.assert_allclose(of_frame.predict_proba(X), of_array.predict_proba(numbers))


def test_what_does_not_fit_is_refused(frame, messy):
    X, y = messy
    model = CorenetClassifier(**SMALL).fit(X, y)
    with pytest.raises(cn.DataError, match="give a frame, not ndarray"):
        model.predict(np.zeros((1, 3)))
    with pytest.raises(cn.DataError, match="column 'size' had numbers in training"):
        model.predict(frame({"colour": ["red"], "size": ["large"], "new": [True]}))
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(X[["size", "colour", "new"]])
    with pytest.raises(cn.DataError, match="column 'day' has dates; give numbers"):
        CorenetClassifier().fit(frame({"day": np.array(["2020-01-01", "2021-02-03"], "M8[ms]")}), [0, 1])
    with pytest.raises(cn.DataError, match="column 'name' has 1001 categories, more than 1000"):
        CorenetClassifier().fit(frame({"name": [f"n{place}" for place in range(1001)]}), np.arange(1001) % 2)


def test_a_pass_keeps_the_coding_of_the_first(messy):
    X, y = messy
    model = CorenetClassifier(**SMALL).partial_fit(X[:100], y[:100], classes=["in", "out"])
    coder = model.coder_
    model.partial_fit(X[100:], y[100:])
    assert model.coder_ is coder
    assert model.n_iter_ == 2


def test_columns_of_pandas_own_kinds():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(
        {"count": pandas.array([1, None, 3], dtype="Int64"), "kind": pandas.Categorical(["x", "y", None])}
    )
    model = CorenetClassifier(epochs=1).fit(X, [0, 1, 0])
    assert model.coder_.numbers == ["count"]
    np.testing.assert_allclose(model._known(X)[:, 0], [-1.2247449, 0, 1.2247449], rtol=1e-6)


def test_two_columns_of_one_name_are_refused():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(cn.DataError, match="X has two columns 'a'; give each a name of its own"):
        CorenetClassifier(**SMALL).fit(pandas.DataFrame(np.eye(4), columns=list("aabc")), [0, 1, 0, 1])
