"""Metrics by name, by instance and by function: what they are given, and what they come to, in pieces too."""

import math

import pytest
import torch

import corenet as cn
from corenet.training import streamed

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)
PASSES = cn.Sequential()


def data(targets, outputs):
    """Return data whose inputs are the outputs of a model that passes everything on."""
    return cn.data.Dataset(torch.as_tensor(outputs), torch.as_tensor(targets))


LOGITS = data([[1.0], [0.0], [1.0], [0.0]], [[0.3], [0.2], [-0.4], [-1.0]])
THREE = data([0, 2, 1, 2, 0], torch.eye(3)[torch.tensor([0, 2, 2, 1, 0])] * 3)
CODINGS = {
    "column": data([[1.0], [0.0], [1.0], [0.0]], [[0.9], [0.6], [0.2], [0.1]]),
    "signs": data([1.0, -1.0, 1.0, -1.0], [0.9, 0.6, -0.2, -0.1]),
    "indices": data([1, 0, 1, 0], [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]),
    "one hot": data([[0.0, 1.0], [1.0, 0.0]] * 2, [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_classes_are_read_in_every_coding(coding):
    found = cn.measure(PASSES, CODINGS[coding], ["accuracy", "precision", "recall", "f1", "confusion_matrix"])
    assert found == {
        "accuracy": 0.5,
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "confusion_matrix": [[1, 1], [1, 1]],
    }


def test_the_loss_says_what_outputs_mean():
    metrics = ["recall", "confusion_matrix", "loss"]
    with_loss = cn.measure(PASSES, LOGITS, metrics, cn.BCEWithLogitsLoss())
    expected = torch.nn.functional.binary_cross_entropy_with_logits(LOGITS.inputs, LOGITS.targets).item()
    assert with_loss == {"recall": 0.5, "confusion_matrix": [[1, 1], [1, 1]], "loss": pytest.approx(expected)}
    assert cn.measure(PASSES, LOGITS, ["recall"])["recall"] == 0.0  # 0.3 is nearer to 0


def test_three_classes_by_a_loss_of_logits():
    found = cn.measure(PASSES, THREE, ["f1", "roc_auc", "accuracy", "confusion_matrix"], cn.CrossEntropyLoss())
    assert found["confusion_matrix"] == [[2, 0, 0], [0, 0, 1], [0, 1, 1]]
    assert found["f1"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert found["accuracy"] == pytest.approx(0.6)
    scores = pytest.importorskip("sklearn.metrics")
    probabilities = THREE.inputs.softmax(1)
    assert found["roc_auc"] == pytest.approx(scores.roc_auc_score(THREE.targets, probabilities, multi_class="ovr"))


def test_ignored_targets_and_trailing_dimensions():
    torch.manual_seed(0)
    outputs, targets = torch.randn(6, 4, 5), torch.randint(4, (6, 5))
    targets[::2, 1] = -100
    counted = targets != -100
    found = cn.measure(PASSES, data(targets, outputs), ["confusion_matrix", "roc_auc"], cn.CrossEntropyLoss())
    assert sum(map(sum, found["confusion_matrix"])) == int(counted.sum())
    right = sum(found["confusion_matrix"][each][each] for each in range(4))
    assert right == int((outputs.argmax(1) == targets)[counted].sum())
    scores = pytest.importorskip("sklearn.metrics")
    theirs = outputs.softmax(1).movedim(1, -1)[counted]
    assert found["roc_auc"] == pytest.approx(scores.roc_auc_score(targets[counted], theirs, multi_class="ovr"))


def test_values_are_given_as_they_are():
    values = data(torch.randn(20, 3, dtype=torch.float64), torch.randn(20, 3, dtype=torch.float64))
    seen = []

    def spread(output, target):
        seen.append((output, target))
        return (output - target).std()

    found = cn.measure(PASSES, values, ["mae", spread, cn.R2()])
    error = values.inputs - values.targets
    assert list(found) == ["mae", "spread", "r2"]
    assert found["mae"] == pytest.approx(error.abs().mean().item())
    assert found["spread"] == pytest.approx(error.std().item())
    assert torch.equal(seen[0][0], values.inputs)
    assert torch.equal(seen[0][1], values.targets)


@pytest.mark.parametrize("points", [1, 7, 25, 50, 1000])
def test_large_data_comes_in_pieces(points, monkeypatch):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Dropout(0.5), cn.Linear(6, 1), cn.Sigmoid())
    sizes = []

    class Looks(cn.MAE):
        def update(self, output, target):
            sizes.append(len(output))
            super().update(output, target)

    def largest(outputs, targets):
        return (outputs - targets).abs().max()

    metrics = ["f1", "roc_auc", "loss", "r2", Looks(), largest]
    whole = cn.measure(model, TRAIN, metrics, cn.BCELoss())
    monkeypatch.setattr(streamed, "POINTS", points)
    sizes.clear()
    assert cn.measure(model, TRAIN, metrics, cn.BCELoss()) == pytest.approx(whole, rel=1e-5)
    assert sizes == [points] * (50 // points) + [50 % points] * (50 % points > 0)


def test_several_outputs_and_targets_are_given_to_a_function():
    class Two(cn.Module):
        def forward(self, a, b):
            return a + b, a - b

    def gap(output, target):
        return (output[0] - target[0]).sum() + 10 * (output[1] - target[1]).sum()

    a, b = torch.rand(6, 2), torch.rand(6, 2)
    both = cn.data.Dataset((a, b), (a + b - 1, a - b - 2))
    with pytest.raises(cn.ConfigError, match="F1 reads the classes of one output, and there are several"):
        cn.measure(Two(), both, ["f1"])
    with pytest.raises(cn.DTypeError, match="MAE takes one output and one target, not tuple"):
        cn.measure(Two(), both, ["mae"])
    assert cn.measure(Two(), both, [gap])["gap"] == pytest.approx(12 + 240, rel=1e-5)


def test_an_output_that_is_no_number_has_no_metric():
    model = cn.Sequential(cn.Linear(2, 1))
    model[0].weight.fill_(math.nan)
    found = cn.measure(model, TRAIN, ["f1", "mae", "confusion_matrix", "roc_auc"])
    assert all(math.isnan(each) for each in found.values())


def test_measuring_leaves_mode_and_generator_alone():
    model = cn.Sequential(cn.Linear(2, 1), cn.Dropout(0.5))
    state = torch.get_rng_state()
    first = cn.measure(model, TRAIN, ["mae"])
    assert first == cn.measure(model, TRAIN, ["mae"])
    assert [each.training for each in model] == [True, True]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("metrics", "loss", "error", "message"),
    [
        (["recal"], None, cn.UnknownComponentError, r"there is no metric 'recal' \(did you mean 'recall'\?\)"),
        (["relu"], None, cn.UnknownComponentError, r"there is no metric 'relu' \('relu' is a module\)"),
        ("f1", None, cn.ConfigError, "metrics must be a list of names and functions, not 'f1'"),
        ([cn.F1], None, cn.ConfigError, r"but <class .*F1'> is none; write F1\(\.\.\.\)"),
        ([7], None, cn.ConfigError, "but 7 is none"),
        (["f1", cn.F1()], None, cn.ConfigError, "have one name, 'f1'"),
        (["accuracy", cn.accuracy], None, cn.ConfigError, "have one name, 'accuracy'"),
        (["corenet:f1", "f1"], None, cn.ConfigError, "have one name, 'f1'"),
        (["loss"], None, cn.ConfigError, "MeanLoss measures the loss; give it as loss="),
    ],
)
def test_what_cannot_be_measured_is_refused(metrics, loss, error, message):
    with pytest.raises(error, match=message):
        cn.measure(PASSES, CODINGS["column"], metrics, loss)


def test_targets_that_are_no_classes_and_outputs_of_other_shapes_are_refused():
    with pytest.raises(cn.DataError, match="classes"):
        cn.measure(PASSES, data(torch.rand(5, 1), torch.rand(5, 1)), ["f1"])
    with pytest.raises(cn.ShapeError, match=r"F1 got \(4, 3\)"):
        cn.measure(PASSES, data([[1.0], [0.0], [1.0], [0.0]], torch.rand(4, 3)), ["f1"])


def same(output, target):
    return output == target


def errors(output, target):
    return (output - target).abs()


class Several(cn.MAE):
    def compute(self):
        return torch.tensor([1.0, 2.0])


class Truths(Several):
    is_number = False

    def compute(self):
        return torch.tensor([True, False])


HOW = "return one number, such as its double().mean(); a Metric with is_number = False may return several"
TOLD_APART = "a function whose second argument is called target is given (output, target), any other (model, data)"


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        (lambda y, t: y == t, f"'<lambda>' is False, a truth value, not a number; {TOLD_APART}"),
        (lambda model, data: data.targets, f"'<lambda>' is a tensor of shape (4, 1), not a number; {TOLD_APART}"),
        (same, f"'same' is a tensor of shape (4, 1) of truth values, not a number; {HOW}"),
        (errors, f"'errors' is a tensor of shape (4, 1), not a number; {HOW}"),
        (lambda y, target: same(y, target).all(), f"'<lambda>' is tensor(False), a truth value, not a number; {HOW}"),
        (Several(), f"'Several' is a tensor of shape (2,), not a number; {HOW}"),
        (Truths(), "'Truths' is a tensor of shape (2,) of truth values, not a number; return a number or a tensor of"),
    ],
)
def test_what_is_no_number_is_named_with_what_to_return(metric, told):
    with pytest.raises(cn.ConfigError) as caught:
        cn.measure(PASSES, CODINGS["column"], [metric])
    assert str(caught.value).startswith(f"metric {told}")


def test_a_tensor_of_one_number_is_a_number_and_of_several_a_list():
    several = Several()
    several.is_number = False
    found = cn.measure(PASSES, CODINGS["column"], [lambda y, target: errors(y, target).mean(0), several])
    assert found == {"<lambda>": pytest.approx(0.4), "Several": [1.0, 2.0]}


def test_a_metric_that_gives_no_number_is_named():
    class Word(cn.MAE):
        def compute(self):
            return "good"

    with pytest.raises(cn.ConfigError, match="metric 'Word' is 'good', not a number; return one number, such as its"):
        cn.measure(PASSES, CODINGS["column"], [Word()])


@pytest.mark.parametrize("points", [1, 3, 1000])
def test_a_confusion_matrix_has_a_place_for_each_column_of_the_output(points, monkeypatch):
    monkeypatch.setattr(streamed, "POINTS", points)
    outputs = torch.eye(5)[torch.tensor([1, 0, 1, 3])] * 2
    found = cn.measure(PASSES, data([1, 0, 0, 1], outputs), ["confusion_matrix"], cn.CrossEntropyLoss())
    assert found["confusion_matrix"] == [[1, 1, 0, 0, 0], [0, 1, 0, 1, 0], *[[0] * 5] * 3]


def test_a_piece_of_ignored_targets_counts_for_nothing(monkeypatch):
    monkeypatch.setattr(streamed, "POINTS", 2)
    points = data([-100, -100, 2, 1], torch.eye(4)[torch.tensor([3, 0, 2, 2])])
    found = cn.measure(PASSES, points, ["confusion_matrix"], cn.CrossEntropyLoss())
    assert found["confusion_matrix"] == [[0] * 4, [0, 0, 1, 0], [0, 0, 1, 0], [0] * 4]


@pytest.mark.parametrize(("predicted", "expected"), [([1, 0, 1, 0], 11 / 15), ([1, 0, 1, 4], 9 / 15)])
def test_five_columns_are_no_two_classes_whatever_is_predicted(predicted, expected):
    points = data([1, 0, 1, 1], torch.eye(5)[torch.tensor(predicted)] * 2)
    assert cn.measure(PASSES, points, ["f1"], cn.CrossEntropyLoss())["f1"] == pytest.approx(expected)


VALUES = data(torch.rand(7, 1), torch.rand(7, 1))


@pytest.mark.parametrize("name", ["precision", "roc_auc", "confusion_matrix", "accuracy", "error_rate"])
def test_what_is_refused_names_the_metric_that_was_asked_for(name):
    with pytest.raises(cn.DataError, match=f"^{name} needs classes"):
        cn.measure(PASSES, VALUES, [name])
    model = cn.Sequential(cn.Linear(1, 1))
    learner = model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(cn.DataError, match=f"^{name} needs classes"):
        cn.fit(*learner, VALUES, epochs=1, batch_size=7, metrics=["mae", name], progress=False)
    two = cn.data.Dataset(VALUES.inputs, (VALUES.targets, VALUES.targets))
    with pytest.raises(cn.DataError, match=f"^{name} reads one target a point, and the data has 2"):
        cn.fit(*learner, two, epochs=1, batch_size=7, metrics=[name], progress=False)


def test_accuracy_is_named_where_outputs_do_not_fit():
    classes = data([[1.0], [0.0], [1.0]], torch.rand(3, 4))
    with pytest.raises(cn.ShapeError, match=r"^accuracy got \(3, 4\)"):
        cn.measure(PASSES, classes, ["accuracy"])
    with pytest.raises(cn.ConfigError, match=r"^accuracy takes a Loss here, not 3"):
        cn.accuracy(PASSES, classes, 3)
    model = cn.Sequential(cn.Linear(4, 4))
    targets = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.5, 0.0, 0.0, 0.5]])
    with pytest.raises(cn.DataError, match=r"^accuracy needs classes"):
        cn.fit(
            model,
            cn.MSELoss(),
            cn.SGD(model.parameters(), lr=0.1),
            data(targets, classes.inputs),
            epochs=1,
            batch_size=3,
            metrics=["accuracy"],
            progress=False,
        )
