"""What is measured after an epoch is what the metrics say of the model in evaluation mode."""

from functools import partial

import pytest
import torch

import corenet as cn
from corenet.history import Epoch
from corenet.training.epoch_metrics import Measures

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)
RECORD = Epoch(3, 0.5, 0.1, 0.01)
LOSS = cn.BCELoss()


def loss_on(model, data, loss=LOSS):
    """Return the loss of the model in evaluation mode."""
    return {"loss": loss(cn.predict(model, data), data.targets).item()}


def after(measures, model):
    """Measure plainly after an epoch and return its record."""
    numbers = [] if measures.of_outputs is None else map(torch.Tensor.item, measures.of_outputs.numbers(model))
    return measures.after(RECORD, model, list(numbers))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return cn.Sequential(cn.Linear(2, 6), cn.Dropout(0.5), cn.Linear(6, 1), cn.Sigmoid())


def mode(model, data):
    """A metric of somebody else."""
    return float(model.training)


@pytest.mark.parametrize("metrics", [[cn.error_rate], [cn.accuracy], [cn.accuracy, cn.error_rate], [mode, cn.accuracy]])
@pytest.mark.parametrize("valid", [VALID, None])
def test_each_metric_is_recorded_by_its_name(metrics, valid, model):
    found = after(Measures(metrics, LOSS, TRAIN, valid), model)
    model.eval()
    assert found.train == {metric.__name__: metric(model, TRAIN) for metric in metrics}
    expected = loss_on(model, VALID) | {metric.__name__: metric(model, VALID) for metric in metrics}
    assert found.valid == (expected if valid else {})
    assert list(found.valid) == (["loss", *found.train] if valid else [])
    assert (found.epoch, found.loss, found.lr, found.seconds) == (3, 0.5, 0.1, 0.01)


def test_outputs_are_computed_once_for_both_rates(model, monkeypatch):
    seen = []
    forward = cn.Sequential.forward

    def counted(self, input):
        seen.append(len(input))
        return forward(self, input)

    monkeypatch.setattr(cn.Sequential, "forward", counted)
    measures = Measures([cn.error_rate, cn.accuracy], LOSS, TRAIN, VALID)
    first, second = after(measures, model), after(measures, model)
    assert seen == [50, 30, 50, 30]
    assert first == second
    assert first.train["error_rate"] + first.train["accuracy"] == 1


def test_each_module_is_afterwards_in_its_own_mode(model):
    model[1].eval()
    after(Measures([mode], LOSS, TRAIN, VALID), model)
    assert [module.training for module in model] == [True, False, True, True]


def test_without_metrics_the_validation_loss_is_measured(model):
    measures = Measures([], LOSS, TRAIN, VALID)
    found = after(measures, model)
    assert measures
    assert (found.train, found.valid) == ({}, loss_on(model, VALID))


def test_without_metrics_or_validation_data_nothing_is_measured(model):
    measures = Measures([], LOSS, TRAIN)
    assert measures.of_outputs is None
    assert not measures.others
    assert after(measures, model) is RECORD


def test_classes_that_are_validated_on_are_measured_of_themselves(model):
    numbers = cn.data.Dataset(VALID.inputs, torch.rand(30, 1))
    assert Measures(None, LOSS, TRAIN, VALID).metrics == (cn.error_rate,)
    assert Measures(None, LOSS, TRAIN, numbers).metrics == ()
    assert Measures(None, LOSS, TRAIN, None).metrics == ()


def data(targets, inputs=None):
    """Return data whose inputs are the outputs of a model that passes everything on."""
    targets = torch.as_tensor(targets)
    targets = targets.double() if targets.is_floating_point() else targets
    inputs = targets.double() if inputs is None else torch.as_tensor(inputs, dtype=torch.float64)
    return cn.data.Dataset(inputs, targets)


PASSES = cn.Sequential()


class Anything(cn.Loss):
    """Takes any two tensors."""

    def forward(self, input, target):
        self.save(input)
        return input.double().mean()


def measured(train, valid, metrics=None, loss=None):
    """Return what is measured on outputs that are the inputs."""
    return after(Measures(metrics, loss or Anything(), train, valid), PASSES)


@pytest.mark.parametrize("column", [True, False])
@pytest.mark.parametrize("metrics", [None, [cn.error_rate]])
@pytest.mark.parametrize(
    ("train", "valid", "outputs", "expected"),
    [
        ([-1.0, 1.0], [1.0, 1.0], [0.3, -0.3], 0.5),
        ([-1.0, 1.0], [1.0], [0.3], 0.0),
        ([-1.0, 1.0], [-1.0], [-0.3], 0.0),
        ([0.0, 1.0], [1.0], [0.3], 1.0),
        ([0.0, 1.0], [0.0], [0.3], 0.0),
        ([2.0, 3.0], [3.0], [2.4], 1.0),
        ([2.0, 3.0], [3.0, 3.0], [2.6, 2.4], 0.5),
        ([1.0, 1.0], [1.0, -1.0], [0.3, -0.3], 0.0),
        ([5, 7], [7], [6.5], 0.0),
    ],
)
def test_validation_targets_are_read_as_the_training_targets_code_classes(
    train, valid, outputs, expected, metrics, column
):
    shape = (-1, 1) if column else (-1,)
    train, valid, outputs = (torch.tensor(each).reshape(shape) for each in (train, valid, outputs))
    found = measured(data(train), data(valid, outputs), metrics)
    assert found.valid["error_rate"] == expected
    assert found.train["error_rate"] == 0.0


@pytest.mark.parametrize("valid", [[1.0], [0.7], [0.2, 0.9], [3.0, 3.0], [0.5, 0.5, 0.5]])
def test_of_numbers_no_rate_is_measured_however_few_are_validated_on(valid):
    found = measured(data([0.1, 0.2, 0.9]), data(valid))
    assert (found.train, set(found.valid)) == ({}, {"loss"})


@pytest.mark.parametrize("train", [[4.0, 4.0], [1.0, 1.0], [0.0, 1.0]])
def test_of_validation_targets_that_are_no_classes_of_the_training_no_rate_is_measured(train):
    found = measured(data(train), data([0.4, 0.7, 4.0]))
    assert (found.train, set(found.valid)) == ({}, {"loss"})


@pytest.mark.parametrize("columns", [2, 3, 5])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_the_rate_of_class_indices_is_measured(columns, shape):
    targets, outputs = torch.arange(10) % columns, torch.eye(columns)[torch.arange(10) % columns]
    wrong = outputs.roll(1, 1)
    found = measured(data(targets.reshape(shape), outputs), data(targets[:3].reshape(shape), wrong[:3]))
    assert (found.train["error_rate"], found.valid["error_rate"]) == (0.0, 1.0)


RATES = [cn.error_rate, cn.accuracy]


@pytest.mark.parametrize("rate", RATES)
def test_an_output_that_does_not_fit_the_targets_is_no_reason_to_stop_by_default(rate):
    train = data([[0.0], [1.0]], [0.1, 0.9])
    assert measured(train, train).train == {}
    with pytest.raises(cn.ShapeError, match=f"^{rate.__name__} got"):
        measured(train, train, [rate])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("train", "valid"), [([0.1, 0.2, 0.9], [0.0, 1.0]), ([0.0, 1.0], [0.5]), ([4.0, 4.0], [4.0])])
def test_a_rate_of_what_are_no_classes_is_refused_before_the_training(train, valid, rate):
    with pytest.raises(cn.DataError, match=f"^{rate.__name__}"):
        Measures([rate], LOSS, data(train), data(valid))


@pytest.mark.parametrize("rate", RATES)
def test_a_rate_of_integers_is_refused_once_the_output_is_known(rate):
    with pytest.raises(cn.DataError, match=f"^{rate.__name__} needs classes"):
        measured(data([0, 1, 2]), data([0, 1, 2]), [rate])


def test_the_loss_is_asked_what_outputs_mean():
    logits = data([[1.0], [1.0], [0.0], [0.0]], [[0.3], [0.4], [-0.3], [-0.4]])
    found = measured(logits, logits, [cn.accuracy, cn.error_rate], cn.BCEWithLogitsLoss())
    assert found.train == {"accuracy": 1.0, "error_rate": 0.0}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_validation_loss_is_the_mean_over_the_points(reduction):
    valid = data([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]], [[1.0, 4.0], [3.0, 5.0], [0.0, 1.0]])
    found = measured(valid, valid, [], cn.MSELoss(reduction))
    assert found.valid == {"loss": pytest.approx((4 + 1 + 1) / (6 if reduction == "mean" else 3))}


@pytest.mark.parametrize("loss", [cn.BCELoss(), cn.MSELoss()])
def test_the_loss_of_an_output_that_is_no_number_is_none(loss):
    valid = data([[0.0], [1.0]], [[0.1], [0.9]])
    model = cn.Sequential(cn.Linear(1, 1, dtype=torch.float64))
    model[0].weight.fill_(torch.nan)
    found = after(Measures(None, loss, valid, valid), model)
    assert found.valid["loss"] != found.valid["loss"]
    assert found.valid["error_rate"] == 1.0


def test_a_loss_that_refuses_the_validation_data_says_so():
    with pytest.raises(cn.RangeError, match=r"takes target in \[0, 1\], got 2"):
        measured(data([[0.0], [1.0]]), data([[2.0]], [[0.5]]), [], cn.BCELoss())


class Counting(cn.MSELoss):
    """Counts its calls, and draws a number in each."""

    calls = 0

    def forward(self, input, target):
        self.calls += 1
        return super().forward(input, target) + torch.rand(())


def test_measuring_moves_neither_the_loss_nor_the_generator():
    class Draws(cn.Module):
        def forward(self, input):
            return input + torch.rand(())

    loss, state = Counting(), torch.get_rng_state()
    valid = data([[0.0], [1.0]])
    loss(*(torch.ones(3),) * 2)
    torch.set_rng_state(state)
    after(Measures([cn.error_rate], loss, valid, valid), cn.Sequential(Draws()))
    assert loss.calls == 1
    assert loss.backward().tolist() == [0.0] * 3  # of its own last call
    assert torch.equal(torch.get_rng_state(), state)


def named(name):
    def metric(model, data):
        return 0.0

    metric.__name__ = name
    return metric


@pytest.mark.parametrize(
    "metrics",
    [
        [lambda model, data: 1.0, lambda model, data: 2.0],
        [partial(cn.error_rate), partial(cn.accuracy)],
        [cn.error_rate, cn.error_rate],
        [named("spread"), mode, named("spread")],
        [mode, named("loss")],
    ],
)
def test_two_metrics_of_one_name_are_refused(metrics):
    with pytest.raises(cn.ConfigError, match="have one name, '") as caught:
        Measures(metrics, LOSS, TRAIN, VALID)
    assert caught.value.name == "metrics"
    assert str(metrics[-1])[:60] in str(caught.value)


class Unhashable:
    __hash__ = None

    def __call__(self, model, data):
        return 2


def test_a_metric_may_be_any_callable(model):
    assert after(Measures([Unhashable()], LOSS, TRAIN, None), model).train == {"Unhashable": 2.0}


@pytest.mark.parametrize("metrics", [cn.accuracy, [cn.F1], [3], "accuracy", 3])
def test_what_is_no_list_of_names_and_functions_is_refused(metrics):
    with pytest.raises(cn.ConfigError, match=r"metrics must be a list of names and functions"):
        Measures(metrics, LOSS, TRAIN, VALID)


def test_an_output_of_another_shape_is_named(model):
    with pytest.raises(cn.ShapeError, match="error_rate"):
        after(Measures([cn.error_rate], LOSS, TRAIN, None), cn.Sequential())
