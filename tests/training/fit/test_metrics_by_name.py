"""``fit`` records metrics by name, the same in every engine as measured afterwards."""

import json

import pytest
import torch

import corenet as cn
from corenet.training.epoch_metrics import Measures

TRAIN, VALID = cn.data.disk(48, seed=0), cn.data.disk(20, seed=1)
OPTIONS = {"batch_size": 8, "seed": 5, "progress": False}
NAMES = ["accuracy", "error_rate", "loss", "mae", "rmse", "r2", "precision", "recall", "f1", "roc_auc"]


def parts():
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1), cn.Sigmoid())
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.5, momentum=0.9)


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_every_name_is_recorded_as_it_is_measured(engine):
    model, loss, optimizer = parts()
    names = [*NAMES, "confusion_matrix"]
    history = cn.fit(model, loss, optimizer, TRAIN, VALID, epochs=30, engine=engine, metrics=names, **OPTIONS)
    assert history.engine == engine
    assert list(history[-1].train) == names
    assert list(history[-1].valid) == ["loss", *[name for name in names if name != "loss"]]
    for part, found in ((TRAIN, history[-1].train), (VALID, history[-1].valid)):
        measured = cn.measure(model, part, names, loss)
        assert found.pop("confusion_matrix") == measured.pop("confusion_matrix")
        assert found == pytest.approx(measured, rel=1e-5, abs=1e-7)


def test_metrics_change_nothing_of_the_training():
    with_metrics, without = parts(), parts()
    cn.fit(*with_metrics, TRAIN, VALID, epochs=9, metrics=["f1", "roc_auc"], engine="plain", **OPTIONS)
    cn.fit(*without, TRAIN, epochs=9, engine="plain", **OPTIONS)
    torch.testing.assert_close(with_metrics[0].state_dict(), without[0].state_dict(), rtol=0, atol=0)


def test_rates_by_name_are_those_by_function():
    by_name, by_function = parts(), parts()
    options = {"epochs": 5, "engine": "plain", **OPTIONS}
    named = cn.fit(*by_name, TRAIN, VALID, metrics=["accuracy", cn.ErrorRate()], **options)
    called = cn.fit(*by_function, TRAIN, VALID, metrics=[cn.accuracy, cn.error_rate], **options)
    assert [(each.train, each.valid) for each in named] == [(each.train, each.valid) for each in called]


def test_rates_by_name_are_measured_where_engines_take_them_in():
    measures = Measures(["accuracy", cn.ErrorRate(), "f1"], cn.BCELoss(), TRAIN, VALID)
    assert measures.metrics[:2] == (cn.accuracy, cn.error_rate)
    assert measures.others == list(measures.metrics[2:])


def test_the_loss_on_valid_is_recorded_whatever_is_asked_for():
    for metrics in (None, [], ["f1"], ["loss"], [lambda model, data: 1.0], [lambda output, target: 2.0]):
        history = cn.fit(*parts(), TRAIN, VALID, epochs=2, metrics=metrics, **OPTIONS)
        assert all(isinstance(each.valid["loss"], float) for each in history)
        assert ("loss" in history[-1].train) is (metrics == ["loss"])


def test_functions_of_outputs_and_of_model_and_data_stand_side_by_side():
    def bias(output, target):
        return (output - target).mean()

    def width(model, data):
        return len(data) + float(model.training)

    history = cn.fit(*parts(), TRAIN, VALID, epochs=2, metrics=[bias, width], **OPTIONS)
    assert history[-1].train.keys() == {"bias", "width"}
    assert history[-1].valid["width"] == 20.0


def test_a_table_of_numbers_is_written_to_json_and_csv(tmp_path):
    history = cn.fit(*parts(), TRAIN, epochs=2, metrics=["confusion_matrix"], **OPTIONS)
    (first, second) = json.loads(history.to_json())
    assert first["train"]["confusion_matrix"] == history[0].train["confusion_matrix"]
    assert sum(map(sum, second["train"]["confusion_matrix"])) == 48
    history.to_csv(tmp_path / "history.csv")
    assert "train_confusion_matrix" in (tmp_path / "history.csv").read_text()


def test_a_table_of_numbers_is_left_out_of_the_progress(capsys):
    options = {**OPTIONS, "progress": True}
    cn.fit(*parts(), TRAIN, epochs=2, metrics=["confusion_matrix", "mae"], **options)
    shown = capsys.readouterr().err
    assert "mae train 0." in shown
    assert "confusion" not in shown


def test_classes_that_the_first_validation_does_not_have():
    valid = cn.data.Dataset(VALID.inputs[:4], torch.ones(4, 1))
    history = cn.fit(*parts(), TRAIN, valid, epochs=2, metrics=["recall", "confusion_matrix"], **OPTIONS)
    assert sum(history[-1].valid["confusion_matrix"][1]) == 4


def test_targets_that_are_no_classes_are_refused_before_the_training():
    numbers = cn.data.Dataset(TRAIN.inputs, torch.rand(48, 1))
    learner = parts()
    with pytest.raises(cn.DataError, match="classes"):
        cn.fit(*learner, numbers, epochs=2, metrics=["f1"], **OPTIONS)
    assert learner[2].steps == 0


def test_rounds_take_names_too():
    results = cn.fit_rounds(lambda _: parts(), TRAIN, VALID, rounds=2, epochs=2, metrics=["f1"], **OPTIONS)
    assert all("f1" in history[-1].valid for _, history in results)


WRONG = {
    "one argument": (
        lambda a: 0.0,
        r"metrics: <lambda> takes \(a\), and a metric two arguments; a function whose",
    ),
    "three": (lambda output, target, weight: 0.0, r"takes \(output, target, weight\), and a metric two arguments"),
}


@pytest.mark.parametrize("which", WRONG)
def test_a_function_of_other_than_two_arguments_is_refused_before_the_training(which):
    function, message = WRONG[which]
    learner = parts()
    with pytest.raises(cn.ConfigError, match=message):
        cn.fit(*learner, TRAIN, VALID, epochs=2, metrics=[function], **OPTIONS)
    assert learner[2].steps == 0
    with pytest.raises(cn.ConfigError, match=message):
        cn.measure(learner[0], TRAIN, [function])


@pytest.mark.parametrize(
    ("function", "raised"),
    [
        (lambda y, t: (y - t).abs().max(), "TypeError: unsupported operand"),
        (lambda y, t: y.argmax(1), "AttributeError: .*argmax"),
        (lambda y, t: cn.MSELoss()(y, t), "DTypeError: MSELoss"),
    ],
)
def test_a_function_of_outputs_that_is_taken_for_another_is_told_how_they_are_told_apart(function, raised):
    message = rf"metric '<lambda>' was given \(model, data\) and raised {raised}.*; a function whose second argument"
    with pytest.raises(cn.ConfigError, match=message) as caught:
        cn.fit(*parts(), TRAIN, epochs=2, metrics=[function], **OPTIONS)
    assert "\n" not in str(caught.value)
    with pytest.raises(cn.ConfigError, match=message):
        cn.measure(parts()[0], TRAIN, [function])


def test_an_error_of_a_function_of_model_and_data_is_its_own():
    def mistaken(model, data):
        return len(data) + None

    with pytest.raises(TypeError, match="unsupported operand"):
        cn.measure(parts()[0], TRAIN, [mistaken])


@pytest.mark.parametrize("value", [None, "good", True, torch.rand(3, 2)])
def test_a_function_of_model_and_data_that_gives_no_number_is_named(value):
    def vague(model, data):
        return value

    with pytest.raises(cn.ConfigError, match=r"^metric 'vague' is .*, not a number; a function whose second"):
        cn.measure(parts()[0], TRAIN, [vague])


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("engine", ["plain", "compiled"])
def test_a_confusion_matrix_is_of_one_size_in_all_epochs(engine):
    torch.manual_seed(3)
    train, valid = (cn.data.Dataset(torch.randn(n, 2), torch.randint(2, (n,))) for n in (40, 13))
    model = cn.Sequential(cn.Linear(2, 5))
    optimizer = cn.SGD(model.parameters(), lr=0.7)
    options = {"metrics": ["confusion_matrix"], "engine": engine, **OPTIONS}
    history = cn.fit(model, cn.CrossEntropyLoss(), optimizer, train, valid, epochs=6, **options)
    for epoch in history:
        for found, points in ((epoch.train, 40), (epoch.valid, 13)):
            matrix = torch.tensor(found["confusion_matrix"])
            assert matrix.shape == (5, 5)
            assert matrix.sum() == points
