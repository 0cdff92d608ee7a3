"""How a column becomes inputs: a number standardised, a category by a place for each of its values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from corenet.tables.rows import Column

Inputs = NDArray[np.float64]


def mean_and_std(numbers: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and the standard deviation, which is 1 where it would be 0; none of numbers near 1e308 overflows.

    >>> mean_and_std(np.array([-3e300, 3e300])), mean_and_std(np.array([7.0])), mean_and_std(np.array([]))
    ((0.0, 3e+300), (7.0, 1.0), (0.0, 1.0))
    """
    _, mean, std = moments(numbers)
    return mean, std or 1.0


def moments(numbers: NDArray[np.float64]) -> tuple[int, float, float]:
    """Return how many numbers there are, their mean and their standard deviation, without overflow in between.

    >>> moments(np.array([1e300, 3e300])), moments(np.array([]))
    ((2, 2e+300, 1e+300), (0, 0.0, 0.0))
    """
    if not len(numbers):
        return 0, 0.0, 0.0
    scale = _scale(float(abs(numbers).max()))
    scaled = numbers / scale
    return len(numbers), float(scaled.mean() * scale), float(scaled.std() * scale)


def joined(parts: Sequence[tuple[int, float, float]]) -> tuple[int, float, float]:
    """Return the :func:`moments` of all numbers from those of their parts.

    Reference: Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983.

    >>> joined([moments(np.array([1.0, 2.0])), moments(np.array([6.0]))]) == moments(np.array([1.0, 2.0, 6.0]))
    True
    """
    counts, means, stds = (np.array(each, float) for each in zip(*parts, strict=True)) if parts else (np.zeros(0),) * 3
    total = counts.sum()
    if not total:
        return 0, 0.0, 0.0
    scale = _scale(max(float(abs(means).max()), float(stds.max())))
    means, stds = means / scale, stds / scale
    mean = (counts * means).sum() / total
    variance = (counts * (stds**2 + (means - mean) ** 2)).sum() / total
    return int(total), float(mean * scale), float(variance**0.5 * scale)


def _scale(largest: float) -> float:
    """Return a power of two of about this size, by which division rounds nothing; 1 for 0."""
    return math.ldexp(0.5, math.frexp(largest)[1]) if largest else 1.0


@dataclass(frozen=True)
class NumberColumn:
    """``(x − mean) / std``, 0 for a gap; if the training part had gaps, an input beside it is 1 there."""

    name: str
    mean: float
    std: float
    gap: bool

    @classmethod
    def fitted(cls, column: Column, part: NDArray[np.int64]) -> NumberColumn:
        """Return the coding of a column by the rows ``part``."""
        numbers = column.numbers()[part]
        present = numbers[~np.isnan(numbers)]
        return cls(column.name, *mean_and_std(present), len(present) < len(numbers))

    @property
    def inputs(self) -> list[str]:
        """What each of its inputs is."""
        return [self.name, f"{self.name} is missing"] if self.gap else [self.name]

    def encode(self, column: Column) -> Inputs:
        """Return its inputs, one row a row."""
        standardised = (column.numbers() - self.mean) / self.std
        gaps = np.isnan(standardised)
        value = np.where(gaps, 0.0, standardised)
        return np.stack([value, gaps], 1) if self.gap else value[:, None]

    def strange(self, column: Column) -> tuple[NDArray[np.int64], str]:
        """Return the rows that training had no like of, and as what they are taken."""
        gaps = np.empty(0, np.int64) if self.gap else np.flatnonzero(column.gaps)
        return gaps, f"the mean, {self.mean:g}"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it in words and numbers."""
        return {"kind": "number", "name": self.name, "mean": self.mean, "std": self.std, "gap": self.gap}


@dataclass(frozen=True)
class CategoryColumn:
    """One input for each value, 1 where the cell has it; if the training part had gaps, they are a value too."""

    name: str
    values: tuple[str, ...]
    gap: bool

    @classmethod
    def fitted(cls, column: Column, part: NDArray[np.int64]) -> CategoryColumn:
        """Return the coding of a column by the rows ``part``."""
        words = column.distinct
        counts = np.bincount(column.codes(words)[part] + 1, minlength=len(words) + 1)
        there = tuple(word for word, count in zip(words, counts[1:], strict=True) if count)
        return cls(column.name, there, bool(counts[0]))

    @property
    def inputs(self) -> list[str]:
        """What each of its inputs is."""
        named = [f"{self.name} is {value}" for value in self.values]
        return [*named, f"{self.name} is missing"] if self.gap else named

    def encode(self, column: Column) -> Inputs:
        """Return its inputs, one row a row; all are 0 for a value that training did not have."""
        width = len(self.inputs)
        codes = column.codes(self.values)
        if self.gap:
            codes = np.where(column.gaps, width - 1, codes)
        encoded = np.zeros((len(codes), width))
        known = np.flatnonzero(codes >= 0)
        encoded[known, codes[known]] = 1
        return encoded

    def strange(self, column: Column) -> tuple[NDArray[np.int64], str]:
        """Return the rows that training had no like of, and as what they are taken."""
        known = column.codes(self.values) >= 0
        if self.gap:
            known |= column.gaps
        return np.flatnonzero(~known), "none of the values"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it in words and numbers."""
        return {"kind": "category", "name": self.name, "values": list(self.values), "gap": self.gap}
