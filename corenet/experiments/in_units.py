"""Metrics in the units of a table's target, which its coding has standardised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from corenet.contracts.metric import Metric
from corenet.experiments.parts import Parts
from corenet.registry.named import class_of
from corenet.tables.targets import NumberTarget

IN_UNITS = ("rmse", "mae")


def unit_of(parts: Parts) -> float:
    """Return what a target of 1 stands for: the standard deviation of a number, or 1."""
    target = None if parts.coding is None else parts.coding.target
    return target.std if isinstance(target, NumberTarget) else 1.0


def asked_of(names: Sequence[str], unit: float) -> list[str | Metric]:
    """Return the metrics of these names, those in the units of the target multiplied by ``unit``.

    >>> asked_of(["r2", "rmse"], 1.0)
    ['r2', 'rmse']
    >>> import torch
    >>> [rmse] = asked_of(["rmse"], 10.0)
    >>> rmse.reset()
    >>> rmse.update(torch.tensor([[1.0]]), torch.tensor([[4.0]]))
    >>> rmse.compute()
    30.0
    """
    return [_in_units(name, unit) if name in IN_UNITS and unit != 1 else name for name in names]


def _in_units(name: str, unit: float) -> Metric:
    kind: Any = class_of("metric", name)

    class InUnits(kind):  # type: ignore[misc]  # a class that is known when it runs
        __name__ = name

        def compute(self) -> float:
            return float(super().compute()) * unit

    made: Metric = InUnits()
    return made
