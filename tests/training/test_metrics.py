"""Predictions and error rates, and the mode that they leave the model in."""

import pytest
import torch

import corenet as cn
from corenet.training.metrics import classes

IDENTITY = cn.Sequential()


def error(outputs, targets):
    """Return the error rate of a model that gives ``outputs``."""
    return cn.error_rate(IDENTITY, cn.data.Dataset(torch.tensor(outputs), torch.tensor(targets)))


@pytest.mark.parametrize(
    ("outputs", "targets", "expected"),
    [
        ([0.4, 0.6, 0.6, 0.4], [0.0, 1.0, 0.0, 1.0], 0.5),
        ([-0.1, 0.1, 0.1, 0.4], [-1.0, 1.0, -1.0, 1.0], 0.25),
        ([0.4, -0.4], [1.0, -1.0], 0.0),  # by ½ the first would be wrong
        ([2.4, 2.6, 2.6], [2.0, 3.0, 2.0], 1 / 3),
        ([0.4, 0.6], [0.0, 0.0], 0.5),
        ([0.4, 0.6], [1.0, 1.0], 0.5),
        ([-0.4, 0.4], [-1.0, -1.0], 0.5),
        ([-3.0, 7.0], [0.0, 1.0], 0.0),
    ],
)
def test_one_column_is_read_by_the_midpoint(outputs, targets, expected):
    assert error(outputs, targets) == expected
    assert error([[each] for each in outputs], [[each] for each in targets]) == expected


def test_the_midpoint_itself_is_not_above():
    assert error([0.5], [0.0]) == 0.0
    assert error([0.5], [1.0]) == 1.0


def test_targets_may_be_integers():
    assert error([0.4, 0.6, 0.6], [0, 1, 0]) == 1 / 3


def test_several_columns_are_read_by_the_largest():
    targets = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    assert error([[0.1, 0.0, -0.1], [9.0, 9.5, 0.0], [0.3, 0.2, 0.1], [-3.0, -2.0, -1.0]], targets) == 0.25


def test_accuracy_is_the_rest():
    data = cn.data.Dataset(torch.tensor([0.4, 0.6, 0.6, 0.6]), torch.tensor([0.0, 1.0, 0.0, 1.0]))
    assert cn.accuracy(IDENTITY, data) == 0.75


def test_an_output_of_another_shape_is_refused_not_broadcast():
    with pytest.raises(cn.ShapeError, match=r"error_rate got \(3, 1\); expected the targets' shape \(3,\)"):
        error([[0.0], [1.0], [1.0]], [0.0, 1.0, 1.0])


@pytest.mark.parametrize("targets", [[0.0, 0.5, 1.0], [-1.0, 0.0, 1.0], [2.0, 3.0, 4.0]])
def test_targets_that_are_no_classes_are_refused(targets):
    with pytest.raises(cn.DataError, match="error_rate needs classes"):
        error([0.1, 0.2, 0.3], targets)


class Distances(cn.Loss):
    """Its outputs are distances to each class: the nearest is predicted."""

    def predictions(self, output):
        return output.argmin(-1)


LOGITS = cn.BCEWithLogitsLoss()


@pytest.mark.parametrize(
    ("outputs", "targets", "loss", "expected"),
    [
        ([0.3, 0.4, -0.3, -0.4], [1.0, 1.0, 0.0, 0.0], LOGITS, 0.0),
        ([0.3, 0.4, -0.3, -0.4], [1.0, 1.0, 0.0, 0.0], None, 0.5),
        ([0.3, 0.6, -0.3, 0.0], [1.0, 0.0, 1.0, 0.0], LOGITS, 0.5),
        ([0.3, 0.3], [1.0, 1.0], LOGITS, 0.0),
        ([0.3, 0.7], [0.1, 0.9], cn.BCELoss(), 0.0),
        ([0.3, -0.3], [1.0, -1.0], cn.MSELoss(), 0.0),
        ([[-3.0, -2.0], [30.0, 40.0]], [[0.0, 1.0], [0.0, 1.0]], LOGITS, 0.0),  # no column, or each, is above ½
        ([[3.0, 2.0], [2.0, 3.0]], [[0.0, 1.0], [0.0, 1.0]], Distances(), 0.5),
        ([[3.0, 2.0, 9.0], [2.0, 3.0, 9.0]], [1, 1], Distances(), 0.5),
        ([[3.0, 2.0, 9.0], [2.0, 3.0, 9.0]], [1, 1], None, 1.0),
        ([[3.0, 2.0], [2.0, 3.0]], [0, 1], cn.MSELoss(), 0.0),
    ],
)
def test_a_loss_says_what_outputs_mean(outputs, targets, loss, expected):
    data = cn.data.Dataset(torch.tensor(outputs), torch.tensor(targets))
    assert cn.error_rate(IDENTITY, data, loss) == expected
    assert cn.accuracy(IDENTITY, data, loss) == 1 - expected
    if loss is not None:
        assert cn.error_rate(IDENTITY, data, loss=loss) == expected


@pytest.mark.parametrize("loss", [LOGITS, cn.BCELoss(), cn.MSELoss(), None])
def test_no_number_is_no_class(loss):
    class Fails(cn.Module):
        def forward(self, input):
            return input * torch.nan

    for targets in ([[1.0], [0.0]], [[1.0, 0.0], [0.0, 1.0]]):
        data = cn.data.Dataset(torch.tensor(targets), torch.tensor(targets))
        assert cn.error_rate(Fails(), data, loss) == 1.0


@pytest.mark.parametrize("loss", [cn.BCELoss, cn.error_rate, "bce"])
def test_what_is_no_loss_is_refused(loss):
    with pytest.raises(cn.ConfigError, match="error_rate takes a Loss here, not") as caught:
        cn.error_rate(IDENTITY, cn.data.disk(3, seed=0), loss)
    assert caught.value.value is loss
    assert ("write BCELoss(...)" in str(caught.value)) == (loss is cn.BCELoss)


def test_predictions_of_another_shape_are_refused():
    class Sums(cn.Loss):
        def predictions(self, output):
            return output.sum()

    data = cn.data.Dataset(torch.rand(3, 1), torch.tensor([[0.0], [1.0], [1.0]]))
    with pytest.raises(cn.ShapeError, match=r"error_rate by the predictions of Sums\(\) got \(\); expected \(3, 1\)"):
        cn.error_rate(IDENTITY, data, Sums())


def test_classes_are_read_as_the_targets_code_them():
    assert classes(torch.tensor([[0.3], [0.7]]), torch.tensor([[0.0], [1.0]])).tolist() == [[False], [True]]
    assert classes(torch.tensor([[0.3]]), torch.tensor([[0.0], [1.0]]), LOGITS).tolist() == [[True]]
    assert classes(torch.tensor([[0.3, 0.7], [0.3, 0.2]]), torch.tensor([0, 1])).tolist() == [1, 0]


def mixed():
    """Return a model in which each module has its own mode, and the modes."""
    model = cn.Sequential(cn.Dropout(0.9), cn.Sequential(cn.Dropout(0.9), cn.Linear(2, 1)), cn.Sigmoid())
    model[1][0].eval()
    model[2].eval()
    return model, [module.training for _, module in model.named_modules()]


@pytest.mark.parametrize("measure", [cn.predict, cn.error_rate, cn.accuracy])
def test_each_module_is_left_in_its_own_mode(measure):
    model, modes = mixed()
    measure(model, cn.data.disk(5, seed=0))
    assert [module.training for _, module in model.named_modules()] == modes
    assert modes == [True, True, True, False, True, False]


def test_each_module_is_left_in_its_own_mode_after_an_error_too():
    model, modes = mixed()
    with pytest.raises(cn.ShapeError):
        cn.predict(model, torch.zeros(4, 3))
    assert [module.training for _, module in model.named_modules()] == modes


def test_predict_drops_nothing_saves_nothing_and_draws_nothing():
    model, _ = mixed()
    inputs = torch.rand(5, 2)
    state = torch.get_rng_state()
    expected = torch.sigmoid(inputs @ model[1][1].weight.T + model[1][1].bias)
    torch.testing.assert_close(cn.predict(model, inputs), expected)
    torch.testing.assert_close(cn.predict(model, cn.data.Dataset(inputs, inputs)), expected)
    assert torch.equal(torch.get_rng_state(), state)
    model(inputs)  # would raise if predict had saved anything in training mode


@pytest.mark.parametrize(
    "targets",
    [torch.randn(50, 2), torch.tensor([[1.0, 1.0, 0.0]]), torch.full((4, 1), 5.0)],
    ids=["values", "labels", "one"],
)
def test_targets_that_code_no_classes_are_refused(targets):
    with pytest.raises(cn.DataError, match="error_rate"):
        cn.error_rate(cn.Sequential(), cn.data.Dataset(torch.rand(targets.shape), targets))


@pytest.mark.parametrize("model", [3, torch.zeros(2), cn.Linear, cn.MSELoss()])
def test_what_is_no_model_predicts_nothing(model):
    with pytest.raises(cn.ConfigError, match=r"^predict takes a model, such as cn.Sequential\(...\), not "):
        cn.predict(model, torch.zeros(4, 2))
