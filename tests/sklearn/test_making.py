"""The parts of a training by name, by class, by instance, by function; and what is refused of them."""

from functools import partial

import numpy as np
import pytest

import corenet as cn
from corenet.making import network, schedule_of
from corenet.sklearn import CorenetClassifier


def shapes(model):
    return [type(each).__name__ for each in model]


@pytest.mark.parametrize("activation", ["tanh", cn.Tanh, cn.Tanh(), "corenet:tanh"])
def test_an_activation_is_a_module_of_each_layer(activation):
    made = network([2, 5, 4, 1], activation, 0.25, "he_normal")
    assert shapes(made) == ["Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear"]
    assert made[1] is not made[4]
    assert made[2].p == 0.25
    assert made[0].init == "he_normal"


def test_a_module_factory_stands_for_the_network(points):
    X, y = points

    def wide(in_features, out_features):
        return cn.Sequential(cn.Linear(in_features, 9), cn.Sigmoid(), cn.Linear(9, out_features))

    model = CorenetClassifier(module=wide, lr=0.1, epochs=50, random_state=0).fit(X.astype(np.float32), y)
    assert repr(model.model_) == repr(wide(2, 3))
    assert model.model_[0].weight.dtype == cn.Linear(1, 1).weight.dtype
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize(
    ("optimizer", "kind"), [("sgd", cn.SGD), (cn.AdamW, cn.AdamW), (partial(cn.SGD, momentum=0.9), cn.SGD)]
)
def test_optimizers(points, optimizer, kind):
    model = CorenetClassifier(optimizer=optimizer, lr=0.2, weight_decay=0.03, epochs=1).fit(*points)
    assert type(model.optimizer_) is kind
    assert (model.optimizer_.lr, model.optimizer_.weight_decay) == (0.2, 0.03)


def test_what_is_none_is_left_to_the_optimizer(points):
    model = CorenetClassifier(optimizer="adamw", lr=None, epochs=1).fit(*points)
    assert (model.optimizer_.lr, model.optimizer_.weight_decay) == (1e-3, 1e-2)


def test_a_schedule_is_told_how_many_steps_there_will_be(points):
    model = CorenetClassifier(schedule="one_cycle", epochs=7, batch_size=40).fit(*points)
    assert model.optimizer_.schedule == cn.OneCycleSchedule(7 * 3)
    assert schedule_of("warmup", 50) == cn.WarmupSchedule()
    assert schedule_of("cosine", 50) == cn.CosineSchedule(50)
    rates = [
        epoch.lr for epoch in CorenetClassifier(schedule=lambda step: 1 / (1 + step), epochs=3).fit(*points).history_
    ]
    assert rates == pytest.approx([1e-3, 1e-3 / 2, 1e-3 / 3])


def test_callbacks_and_metrics_by_name(points, tmp_path):
    logger = cn.CSVLogger(tmp_path / "log.csv")
    model = CorenetClassifier(
        callbacks=["early_stopping", logger], metrics=["f1"], validation_fraction=0.2, epochs=4
    ).fit(*points)
    assert (tmp_path / "log.csv").read_text().splitlines()[0] == "epoch,loss,lr,seconds,train_f1,valid_loss,valid_f1"
    assert [type(each).__name__ for each in model.callbacks_] == ["EarlyStopping", "CSVLogger"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": 3}, "optimizer must be a name, a class or a function of parameters, not 3"),
        ({"optimizer": "sgd", "lr": None}, "optimizer 'sgd' cannot be made: .*lr"),
        ({"optimizer": lambda parameters, lr: None}, "optimizer must be a function that makes an optimizer, not None"),
        ({"module": cn.Sequential()}, r"module must be a function \(in_features, out_features\)"),
        ({"module": lambda wide, wider: 5}, "module must be a function that makes a corenet module, not 5"),
        ({"loss": 7}, "loss must be a name, a class, or a loss such as"),
        ({"epochs": 0}, "epochs must be an integer ≥ 1"),
        ({"batch_size": -1}, "batch_size must be an integer ≥ 1"),
        ({"hidden": (5, 0)}, "out_features must be an integer ≥ 1"),
        ({"dropout": 1.5}, "Dropout: p must be a number in"),
        ({"engine": "turbo"}, "engine must be"),
    ],
)
def test_what_cannot_be_used_is_refused(points, arguments, message):
    with pytest.raises(cn.ConfigError, match=message):
        CorenetClassifier(**arguments).fit(*points)


def test_an_unknown_name_has_its_neighbour(points):
    with pytest.raises(cn.UnknownComponentError, match="relu"):
        CorenetClassifier(activation="rellu").fit(*points)
