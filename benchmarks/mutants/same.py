"""Whether a mutant computes what the right component does: such a one is no mutant."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.several import each_of
from corenet.testing.support.guess import cases_of
from corenet.testing.support.trajectory import follow, start
from corenet.testing.support.trial import Trial, seeded

DRAWS = 3
STEPS = 25
RELATIVE = 1e-9


def is_same(right: type, mutant: type, kind: Any) -> bool:
    """Tell whether both give the same gradients on drawn inputs, or the same steps on drawn gradients."""
    for case in cases_of(right, kind):
        for seed in range(DRAWS):
            pair = [_result(Trial(cls, case, seed)) for cls in (right, mutant)]
            if pair[1] is None or not all(map(_near, pair[0] or [], pair[1])):
                return False
    return True


def _result(trial: Trial) -> list[Tensor] | None:
    """Return all gradients, none if it cannot compute them."""
    try:
        with seeded(trial.seed):
            if issubclass(trial.factory, Module):  # type: ignore[arg-type]
                return [each for other in (trial, trial.of_rows(33)) for each in _of_module(other)]
            if issubclass(trial.factory, Loss):  # type: ignore[arg-type]
                loss = trial.build()
                loss(trial.input(seed=trial.seed), trial.target(seed=trial.seed))
                return list(each_of(loss.backward()))
            return follow(trial.optimizer(start(trial.seed)), STEPS)
    except Exception:  # noqa: BLE001 - a mutant may raise anything
        return None


def _of_module(trial: Trial) -> list[Tensor]:
    """Return the gradients, those of parameters added to what is there already."""
    module = trial.build().train()
    gradients = [parameter.grad for parameter in module.parameters()]
    for gradient in gradients:
        gradient.fill_(0.5)
    outputs = each_of(module(*trial.inputs(seed=trial.seed)))
    found = each_of(module.backward(*(torch.randn(each.shape, dtype=each.dtype) for each in outputs)))
    return [*(each for each in found if each is not None), *gradients]


def _near(first: Tensor, second: Tensor) -> bool:
    if first.shape != second.shape:
        return False
    size = max(first.abs().max().item(), 1e-300) if first.numel() else 1.0
    return bool(((first - second).abs() <= RELATIVE * size).all())
