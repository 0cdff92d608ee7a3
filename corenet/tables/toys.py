"""Toy sets: two-dimensional classes and curves, drawn anew from a seed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from corenet.data import Dataset, disk, stream
from corenet.integers import integer, positive_integer

__all__ = ["TOYS", "bumps", "circles", "disk", "moons", "sine", "spirals", "xor"]


def moons(n: int, seed: int, noise: float = 0.1) -> Dataset:
    """Return n points of two half circles that reach into each other, target 0 or 1.

    >>> moons(5, seed=0)
    Dataset(5 points, (2,) → (1,))
    """
    generator, classes = _generator("moons", n, seed), _classes(n, 2)
    angle = math.pi * _uniform(generator, n)
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    return _labelled(torch.where(classes == 0, upper, lower), classes, noise, generator)


def circles(n: int, seed: int, noise: float = 0.1) -> Dataset:
    """Return n points of a circle of radius 1, target 0, and of one of radius ½ in it, target 1."""
    generator, classes = _generator("circles", n, seed), _classes(n, 2)
    angle = 2 * math.pi * _uniform(generator, n)
    points = torch.stack([angle.cos(), angle.sin()], 1) * (1 - 0.5 * classes)
    return _labelled(points, classes, noise, generator)


def spirals(n: int, seed: int, noise: float = 0.05) -> Dataset:
    """Return n points of two spirals of one and a half turns around each other, target 0 or 1."""
    generator, classes = _generator("spirals", n, seed), _classes(n, 2)
    along = _uniform(generator, n).sqrt()  # so that the points lie evenly
    angle = 3 * math.pi * along + math.pi * classes[:, 0]
    return _labelled(torch.stack([angle.cos(), angle.sin()], 1) * along[:, None], classes, noise, generator)


def xor(n: int, seed: int, noise: float = 0.0) -> Dataset:
    """Return n points of the square from −1 to 1, target 1 where the signs of x₀ and x₁ differ."""
    generator = _generator("xor", n, seed)
    points = 2 * torch.rand(n, 2, generator=generator, dtype=torch.float32) - 1
    return _labelled(points, (points.prod(1, keepdim=True) < 0).float(), noise, generator)


def sine(n: int, seed: int, noise: float = 0.1) -> Dataset:
    """Return n points of y = sin(2πx), x between −1 and 1, with normal noise on y.

    >>> sine(5, seed=0)
    Dataset(5 points, (1,) → (1,))
    """
    x, generator = _line("sine", n, seed)
    return _curve(x, (2 * math.pi * x).sin(), noise, generator)


def bumps(n: int, seed: int, noise: float = 0.1) -> Dataset:
    """Return n points of y = exp(−40(x − ½)²) − exp(−10(x + ½)²), x between −1 and 1, with normal noise on y."""
    x, generator = _line("bumps", n, seed)
    return _curve(x, (-40 * (x - 0.5).square()).exp() - (-10 * (x + 0.5).square()).exp(), noise, generator)


TOYS = {each.__name__: each for each in (disk, moons, spirals, xor, circles, sine, bumps)}


def _generator(name: str, n: int, seed: int) -> torch.Generator:
    positive_integer("n", n)
    integer("seed", seed)
    return torch.Generator().manual_seed(stream(name, seed))


def _uniform(generator: torch.Generator, n: int) -> Tensor:
    return torch.rand(n, generator=generator, dtype=torch.float32)


def _line(name: str, n: int, seed: int) -> tuple[Tensor, torch.Generator]:
    generator = _generator(name, n, seed)
    return 2 * _uniform(generator, n)[:, None] - 1, generator


def _classes(n: int, count: int) -> Tensor:
    """Return the classes 0, 1, 0, 1 … as a column: as many of each, whatever the seed."""
    return (torch.arange(n) % count).float()[:, None]


def _noise(like: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    return noise * torch.randn(like.shape, generator=generator, dtype=torch.float32)


def _labelled(points: Tensor, classes: Tensor, noise: float, generator: torch.Generator) -> Dataset:
    dtype = torch.get_default_dtype()
    return Dataset((points + _noise(points, noise, generator)).to(dtype), classes.to(dtype))


def _curve(x: Tensor, y: Tensor, noise: float, generator: torch.Generator) -> Dataset:
    dtype = torch.get_default_dtype()
    return Dataset(x.to(dtype), (y + _noise(y, noise, generator)).to(dtype))
