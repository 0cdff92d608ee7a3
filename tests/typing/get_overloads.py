"""What a type checker knows of ``corenet.get``. Read by mypy, in test_overloads.py; never run."""

from typing import Literal, assert_type

import corenet as cn


def overloads() -> None:
    assert_type(cn.get("module", "linear"), type[cn.Module])
    assert_type(cn.get("loss", "mse"), type[cn.Loss])
    assert_type(cn.get("optimizer", "sgd"), type[cn.Optimizer])
    cn.get("layer", "linear")  # type: ignore[call-overload]
    cn.get("module", 3)  # type: ignore[call-overload]


def rows() -> None:
    row = cn.components("module")[0]
    assert_type(row.name, str)
    assert_type(row.kind, Literal["module", "loss", "optimizer", "plugin"])
    cn.components("layer")  # type: ignore[arg-type]


def built_ins() -> None:
    model = cn.Sequential(cn.Linear(2, 1), cn.ReLU())
    assert_type(cn.Linear(2, 1).in_features, int)
    assert_type(model[0], cn.Module)
    assert_type(model[:1], cn.Sequential)
    assert_type(model.to("cpu"), cn.Sequential)
    cn.SGD(model.parameters(), rate=0.1)  # type: ignore[call-arg]
