"""What a type checker knows of ``corenet.get``. Read by mypy, in test_overloads.py; never run."""

from typing import Literal, assert_type

import corenet as cn


def overloads() -> None:
    assert_type(cn.get("module", "linear"), type[cn.Module])
    assert_type(cn.get("loss", "mse"), type[cn.Loss])
    assert_type(cn.get("optimizer", "sgd"), type[cn.Optimizer])
    assert_type(cn.get("schedule", "cosine"), type[cn.Schedule])
    assert_type(cn.get("metric", "f1"), type[cn.Metric])
    assert_type(cn.get("callback", "early_stopping"), type[cn.Callback])
    assert_type(cn.get("initializer", "he_normal"), type[cn.Initializer])
    cn.get("layer", "linear")  # type: ignore[call-overload]
    cn.get("module", 3)  # type: ignore[call-overload]


def rows() -> None:
    row = cn.components("module")[0]
    assert_type(row.name, str)
    assert_type(
        row.kind,
        Literal["module", "loss", "optimizer", "schedule", "metric", "callback", "initializer", "plugin"],
    )
    cn.components("layer")  # type: ignore[arg-type]


def built_ins() -> None:
    model = cn.Sequential(cn.Linear(2, 1), cn.ReLU())
    assert_type(cn.Linear(2, 1).in_features, int)
    assert_type(model[0], cn.Module)
    assert_type(model[:1], cn.Sequential)
    assert_type(model.to("cpu"), cn.Sequential)
    cn.SGD(model.parameters(), rate=0.1)  # type: ignore[call-arg]
