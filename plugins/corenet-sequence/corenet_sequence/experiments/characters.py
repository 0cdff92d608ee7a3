"""A text as sequences of characters, each to be predicted from those before it."""

from __future__ import annotations

from pathlib import Path

import corenet as cn
import torch

from corenet_sequence import LSTM, Embedding
from corenet_sequence.experiments.each_step import ClassesSecond, Output

TEXT = Path(__file__).with_name("the_weir.txt").read_text(encoding="utf-8")
ALPHABET = sorted(set(TEXT))
LENGTH = 40  # of a sequence
TESTED = 0.1  # of the text, its end
STRIDE = 5  # from one sequence that is learnt to the next, so that a character has several pasts


def text(seed: int) -> tuple[cn.data.Dataset, None, cn.data.Dataset]:
    """Return sequences of the first nine tenths of the text, and of its end; the seed draws nothing."""
    codes = torch.tensor([ALPHABET.index(each) for each in TEXT])
    start = round(len(codes) * (1 - TESTED))
    return _sequences(codes[:start], STRIDE), None, _sequences(codes[start:], LENGTH)


def network(in_features: int, out_features: int) -> cn.Module:
    """Return an LSTM that reads a character a step and says how likely each is to follow."""
    count = len(ALPHABET)
    return cn.Sequential(
        Embedding(count, 32),
        LSTM(32, 96, batch_first=True),
        Output(),
        cn.Dropout(0.3),
        cn.Linear(96, count),
        ClassesSecond(),
    )


def _sequences(codes: torch.Tensor, stride: int) -> cn.data.Dataset:
    whole = codes.unfold(0, LENGTH + 1, stride)
    return cn.data.Dataset(whole[:, :-1].contiguous(), whole[:, 1:].contiguous())
