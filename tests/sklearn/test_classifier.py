"""What a classifier learns, and what it makes of outputs: held against the training spelled out, and by numpy."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

import corenet as cn
from corenet.sklearn import CorenetClassifier


def by_numpy(model, X):
    """Return the outputs of a network of one hidden layer of tanh."""
    first, last = model[0], model[-1]
    hidden = np.tanh(X @ first.weight.numpy().T + first.bias.numpy())
    return hidden @ last.weight.numpy().T + last.bias.numpy()


def test_it_is_the_training_spelled_out(points):
    X, y = points
    model = CorenetClassifier(hidden=(6, 4), dropout=0.2, lr=0.01, epochs=7, batch_size=32, random_state=11).fit(X, y)
    torch.manual_seed(11)
    same = {"init": "xavier_uniform"}
    network = cn.Sequential(
        *(cn.Linear(2, 6, **same), cn.ReLU(), cn.Dropout(0.2)),
        *(cn.Linear(6, 4, **same), cn.ReLU(), cn.Dropout(0.2), cn.Linear(4, 3, **same)),
    ).to(torch.float64)
    data = cn.data.Dataset(torch.from_numpy(X), torch.from_numpy(np.unique(y, return_inverse=True)[1]))
    optimizer = cn.Adam(network.parameters(), lr=0.01)
    history = cn.fit(network, cn.CrossEntropyLoss(), optimizer, data, epochs=7, batch_size=32, seed=11, progress=False)
    assert model.loss_curve_ == history.losses
    assert model.n_iter_ == 7
    for name, tensor in network.state_dict().items():
        assert torch.equal(model.model_.state_dict()[name], tensor), name


def test_three_classes_are_a_softmax(points):
    X, y = points
    model = CorenetClassifier(5, "tanh", lr=0.05, epochs=60, random_state=0).fit(X, y)
    outputs = by_numpy(model.model_, X)
    expected = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), expected)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(expected))
    assert model.classes_.tolist() == ["low", "middle", "top"]
    assert model.predict(X).tolist() == model.classes_[outputs.argmax(1)].tolist()
    assert model.score(X, y) > 0.9


def test_two_classes_are_one_logit(points):
    X, y = points
    model = CorenetClassifier(5, "tanh", lr=0.05, epochs=60, random_state=0).fit(X, y == "low")
    outputs = by_numpy(model.model_, X)
    assert outputs.shape == (90, 1)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-outputs[:, 0])))
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1)
    assert model.predict(X).tolist() == (outputs[:, 0] > 0).tolist()


def test_several_labels_a_row_are_yes_or_no_each(points):
    X, _ = points
    Y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0, X.sum(1) > 0]).astype(int)
    model = CorenetClassifier(8, lr=0.05, epochs=80, random_state=0, validation_fraction=0.1).fit(X, Y)
    assert (model.predict(X) == Y).mean() > 0.95
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)
    kept = model.validation_scores_[-1] * 9
    assert kept == pytest.approx(round(kept))  # of 9 rows, those that are wholly right


def test_a_loss_of_one_class_is_refused_for_several_labels(points):
    X, _ = points
    with pytest.raises(cn.ConfigError, match="takes one class a row, and y has several labels"):
        CorenetClassifier(loss="cross_entropy").fit(X, X > 0)


def test_targets_that_are_no_labels_are_refused(points):
    X, _ = points
    with pytest.raises(cn.DataError, match="y has several columns of classes"):
        CorenetClassifier().fit(X, np.arange(180).reshape(90, 2) % 3)
    with pytest.raises(ValueError, match="continuous"):
        CorenetClassifier().fit(X, X[:, 0])


def test_one_class_is_certain(points):
    X, _ = points
    model = CorenetClassifier(epochs=2).fit(X, np.full(90, "only"))
    assert model.predict_proba(X).tolist() == [[1.0]] * 90
    assert set(model.predict(X)) == {"only"}


def test_other_losses(points):
    X, y = points
    squared = CorenetClassifier(8, lr=0.05, epochs=80, loss="mse", random_state=0).fit(X, y)
    assert squared.score(X, y) > 0.85
    with pytest.raises(cn.ConfigError, match="no probabilities"):
        squared.predict_proba(X)
    each = CorenetClassifier(8, lr=0.05, epochs=80, loss=cn.BCEWithLogitsLoss, random_state=0).fit(X, y)
    assert each.score(X, y) > 0.9
    np.testing.assert_allclose(each.predict_proba(X).sum(1), 1)
    np.testing.assert_array_equal(each.predict(X), each.classes_[each.predict_proba(X).argmax(1)])


def test_a_million_rows_are_cut_and_joined_and_one_is_not(points):
    X, y = points
    model = CorenetClassifier(5, epochs=3, random_state=0).fit(X, y)
    many = np.tile(X, (100, 1)).astype(np.float32)
    np.testing.assert_allclose(model.predict_proba(many), np.tile(model.predict_proba(X), (100, 1)), atol=1e-6)
    assert model.predict(X[:1]).tolist() == model.predict(X)[:1].tolist()


def test_what_scikit_learn_refuses_of_one_row_is_refused(points):
    X, y = points
    with pytest.raises(NotFittedError):
        CorenetClassifier().predict(X)
    model = CorenetClassifier(epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        model.predict(np.array([[0.0, np.nan]]))
    with pytest.raises(ValueError, match="infinity"):
        model.predict(np.array([[0.0, np.inf]]))
    with pytest.raises(ValueError, match="3 features"):
        model.predict(np.zeros((1, 3)))


def test_a_pass_goes_on_where_the_last_one_ended(points):
    X, y = points
    parts = CorenetClassifier(6, random_state=3)
    for _ in range(4):
        assert parts.partial_fit(X, y, classes=["top", "low", "middle"]) is parts
    whole = CorenetClassifier(6, random_state=3, epochs=4).fit(X, y)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_)
    np.testing.assert_allclose(parts.predict_proba(X), whole.predict_proba(X))


def test_what_a_pass_cannot_do_is_refused(points):
    X, y = points
    refused = {
        "classes must be given": (CorenetClassifier(), {}),
        "do not tell the balance": (CorenetClassifier(class_weight="balanced"), {"classes": np.unique(y)}),
        "leave early_stopping out": (CorenetClassifier(early_stopping=True), {"classes": np.unique(y)}),
    }
    for message, (model, given) in refused.items():
        with pytest.raises(cn.ConfigError, match=message):
            model.partial_fit(X, y, **given)
    model = CorenetClassifier().partial_fit(X, y, classes=np.unique(y))
    with pytest.raises(cn.ConfigError, match="classes must stay"):
        model.partial_fit(X, y, classes=["low", "middle"])
    with pytest.raises(cn.DataError, match="'best', which is none of the classes 'low', 'middle', 'top'"):
        model.partial_fit(X[:2], ["best", "low"])


def test_a_warm_start_goes_on_with_the_network(points):
    X, y = points
    model = CorenetClassifier(6, random_state=3, epochs=5, warm_start=True)
    first = model.fit(X, y).loss_curve_
    network = model.model_
    second = model.fit(X, y).loss_curve_
    assert model.model_ is network
    assert max(second) < min(first)
    assert len(second) == 5


def test_the_numbers_of_torchs_generator_are_left_alone(points):
    X, y = points
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    CorenetClassifier(6, dropout=0.3, epochs=2).fit(X, y)
    assert torch.equal(torch.rand(3), expected)
