"""Faults that are planted: one element of a gradient, or one term."""

from __future__ import annotations

import random

import torch
from torch import Tensor

import corenet as cn
from corenet.testing.gradcheck.deterministic import Deterministic

ELEMENT, TERM = 1e-5, 1e-3


class OneElement(Deterministic):
    """One element of one gradient is wrong by 1e-5 of itself."""

    def __init__(self, component: cn.Module | cn.Loss, inputs: list[Tensor], seed: int) -> None:
        super().__init__(component, inputs, seed)
        chance = random.Random(seed)
        self.name = chance.choice(list(self.tensors()))
        self.place = chance.randrange(max(1, self.tensors()[self.name].numel()))

    def gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        found = super().gradients(upstream)
        found[self.name] = found[self.name].contiguous()
        found[self.name].view(-1)[self.place] *= 1 + ELEMENT
        return found

    def half_gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        return {}


class OneTerm(Deterministic):
    """What comes from about half of the outputs is wrong by 1e-3; of a loss, the gradient of half of the input."""

    def gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        factor = 1 + TERM * self._half(upstream)
        if isinstance(self.subject, cn.Loss):
            found = super().gradients(upstream)
            return {name: each * (1 + TERM * self._half(each)) for name, each in found.items()}
        return super().gradients(upstream * factor)

    def half_gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        return {}

    def _half(self, like: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed)
        return (torch.rand(like.shape, generator=generator) < 0.5).to(like.dtype)
