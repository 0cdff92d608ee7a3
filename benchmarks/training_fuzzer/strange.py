"""Modules that depend on a number which they read somewhere in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

import corenet as cn


class Reads(cn.Module):
    """A function of its input and of ``factor()``, which a subclass finds."""

    def __init__(self, held=None):
        self.held = held

    def factor(self):
        raise NotImplementedError


class Scales(Reads):
    def forward(self, input):
        factor = self.factor()
        self.kept = factor
        return input * factor

    def backward(self, grad_output):
        return grad_output * self.kept


class ScalesTwice(Reads):
    """Asks for its factor in both methods, as a component that keeps nothing does."""

    def forward(self, input):
        return self.factor() * input

    def backward(self, grad_output):
        return self.factor() * grad_output


class Clips(Reads):
    """Is the identity until something is large, so that its bound does not show at first."""

    def forward(self, input):
        self.save(input)
        return input.clamp(-2 * self.factor(), 2 * self.factor())

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output * (input.abs() <= 2 * self.factor())


class Branches(Reads):
    """Does one thing or another."""

    def forward(self, input):
        output = torch.tanh(input) if self.factor() > 1 else input * 0.7
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return grad_output * (1 - output**2) if self.factor() > 1 else grad_output * 0.7


USES = (Scales, ScalesTwice, Clips, Branches)
Change = Callable[[float], object]


@dataclass
class Strange:
    """How to make a module, and what gives it another number; None if it changes by itself."""

    make: Callable[[], cn.Module]
    change: Change | None = None


def reading(use, read, held=None, change=None, **members):
    """Return modules of the kind ``use`` that find their factor by ``read(self)``."""
    kind = type(f"{use.__name__}Strangely", (use,), {"factor": read, **members})
    return Strange(lambda: kind(held), change)
