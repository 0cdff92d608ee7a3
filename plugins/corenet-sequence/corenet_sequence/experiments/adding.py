"""Two numbers, digit by digit from the last to the first, and their sum: what is carried has to be remembered."""

from __future__ import annotations

import corenet as cn
import torch

from corenet_sequence import LSTM, Embedding
from corenet_sequence.experiments.each_step import ClassesSecond, Output

DIGITS = 8
PAIRS = 100  # of two digits


def numbers(seed: int) -> tuple[cn.data.Dataset, None, cn.data.Dataset]:
    """Return 2000 sums to learn from and 1000 others to test on.

    Shape: a pair of digits ``10 a + b`` a step, ``(N, 8)``, and the digit of the sum, ``(N, 8)``.
    """
    generator = torch.Generator().manual_seed(seed)
    train, test = (_sums(count, generator) for count in (2000, 1000))
    return train, None, test


def network(in_features: int, out_features: int) -> cn.Module:
    """Return an LSTM that reads a pair of digits a step and says the next digit of the sum."""
    return cn.Sequential(
        Embedding(PAIRS, 16), LSTM(16, 32, batch_first=True), Output(), cn.Linear(32, 10), ClassesSecond()
    )


def _sums(count: int, generator: torch.Generator) -> cn.data.Dataset:
    """Return pairs of numbers whose sum has no more digits than they are given."""
    one, other = torch.randint(10 ** (DIGITS - 1), (2, count), generator=generator)
    return cn.data.Dataset(10 * _digits(one) + _digits(other), _digits(one + other))


def _digits(number: torch.Tensor) -> torch.Tensor:
    return torch.stack([number // 10**place % 10 for place in range(DIGITS)], 1)
