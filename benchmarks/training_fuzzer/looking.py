"""Modules that draw, look at numbers, or remember what they have seen."""

from __future__ import annotations

import functools
import random

import numpy as np
import torch

from benchmarks.training_fuzzer.strange import Scales, Strange, reading

DRAWING_OR_LOOKING = {}


def entered(make):
    """Enter a kind in the table, under its name."""
    DRAWING_OR_LOOKING[make.__name__] = make
    return make


def _drawing(name, make, draw):
    def kind(use, late):
        return reading(use, lambda self: 0.8 if float(draw(self.held)) < 0.1 else 1.0, make(late))

    DRAWING_OR_LOOKING[name] = kind


_drawing("draws_global", lambda seed: None, lambda held: random.random())
_drawing("draws_numpy", lambda seed: None, lambda held: np.random.rand())
_drawing("draws_own", random.Random, lambda held: held.random())
_drawing("draws_own_numpy", np.random.default_rng, lambda held: held.random())
_drawing("draws_own_twister", lambda s: np.random.Generator(np.random.MT19937(s)), lambda held: held.random())
_drawing("draws_own_old_numpy", np.random.RandomState, lambda held: held.rand())
_drawing("draws_own_torch", lambda s: torch.Generator().manual_seed(s), lambda held: torch.rand(1, generator=held))
_drawing("draws_torch", lambda seed: None, lambda held: torch.rand(1))


@entered
def draws_tensor_of_own_generator(use, late):
    held = torch.Generator().manual_seed(late)
    return reading(use, lambda self: 1 - 0.1 * torch.rand(1, generator=self.held), held)


@entered
def draws_tensor(use, late):
    return reading(use, lambda self: 1 - 0.1 * torch.rand(1))


class Looks(Scales):
    """Decides by its input."""

    def forward(self, input):
        self.input = input
        return super().forward(input)


LOOKS = {
    "item": lambda x: x.abs().max().item() > 2.2,
    "tolist": lambda x: max(map(max, x.tolist())) > 2.2,
    "bool": lambda x: bool((x > 2.2).any()),
    "numpy": lambda x: float(x.numpy().max()) > 2.2,
    "equal": lambda x: torch.equal(x[0] > 2, x[0] > 1),
    "allclose": lambda x: torch.allclose(x[:1], x[:1].clamp(-2, 2)),
    "array": lambda x: float(np.asarray(x).max()) > 2.2,
    "shape": lambda x: len(x) % 2 == 1,
    "iterated": lambda x: any(float(row.max()) > 2.2 for row in x),
    "formatted": lambda x: "2." in f"{x.max():.1f}",
    "strides": lambda x: x.is_contiguous(),
    "in_list": lambda x: float(x[0, 0]) in [0.0, 1.0] or int(x[0, 0] * 10) % 7 == 0,
    "nonzero": lambda x: len(torch.nonzero(x > 2.2)) > 0,
}


def _looking(name, look):
    def kind(use, late):
        return reading(Looks, lambda self: 0.6 if look(self.input) else 1.0)

    DRAWING_OR_LOOKING[f"looks_by_{name}"] = kind


for _name, _look in LOOKS.items():
    _looking(_name, _look)


@entered
def remembers_first(use, late):
    def read(self):
        if self.held is None:
            self.held = 1.0 + 0.01 * len(vars(self))
        return self.held

    return reading(use, read)


@entered
def remembers_by_cache(use, late):
    @functools.lru_cache
    def known(key):
        return 1.0 + 0.1 * key

    return reading(use, lambda self: known(2))


@entered
def remembers_numbers(use, late):
    """Keeps a statistic of the first batch that it sees."""

    class Remembers(Looks):
        def factor(self):
            if self.held is None:
                self.held = 1 / (1 + self.input.std())
            return self.held

    return Strange(Remembers)


@entered
def remembers_last(use, late):
    """Mixes in the last batch's mean, a tensor that is another one each time."""

    class Remembers(Looks):
        def factor(self):
            last, self.held = self.held, self.input.mean()
            return 1.0 if last is None else 1 + 0.1 * torch.tanh(last)

    return Strange(Remembers)
