"""What a training and its measures are given, of the right kinds."""

from __future__ import annotations

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.other_kinds import refuse_other_kind
from corenet.data import Dataset

_MADE_BY = {
    Module: "a model, such as cn.Sequential(...)",
    Loss: "a loss, such as cn.MSELoss()",
    Optimizer: "an optimizer, such as cn.SGD(model.parameters(), lr=0.1)",
    Dataset: "its data as cn.data.Dataset(inputs, targets)",
}


def refuse_other_kinds(caller: str, *pairs: tuple[object, type]) -> None:
    """Raise :class:`~corenet.ConfigError` unless each value is of its kind: a module, a loss, an optimizer or data."""
    for value, kind in pairs:
        refuse_other_kind(caller, value, kind, _MADE_BY[kind])
