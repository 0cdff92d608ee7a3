"""Rows of numbers, and the same numbers in order."""

from __future__ import annotations

import corenet as cn
import torch

from corenet_sequence import Embedding, PositionalEncoding, TransformerEncoderLayer
from corenet_sequence.experiments.each_step import ClassesSecond

LENGTH = 8
NUMBERS = 16


def rows(seed: int) -> tuple[cn.data.Dataset, None, cn.data.Dataset]:
    """Return 4000 rows of 8 numbers below 16 to learn from, and 1000 others to test on."""
    generator = torch.Generator().manual_seed(seed)
    train, test = (torch.randint(NUMBERS, (count, LENGTH), generator=generator) for count in (4000, 1000))
    return _sorted(train), None, _sorted(test)


def network(in_features: int, out_features: int) -> cn.Module:
    """Return a transformer of two layers that says at each place which number stands there in order."""
    return cn.Sequential(
        Embedding(NUMBERS, 32),
        PositionalEncoding(32, dropout=0.0, batch_first=True),
        TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True),
        TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True),
        cn.Linear(32, NUMBERS),
        ClassesSecond(),
    )


def _sorted(numbers: torch.Tensor) -> cn.data.Dataset:
    return cn.data.Dataset(numbers, numbers.sort(1).values)
