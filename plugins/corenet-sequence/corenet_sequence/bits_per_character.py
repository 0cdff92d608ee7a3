"""How many bits a character costs, where each is predicted from those before it."""

from __future__ import annotations

from math import log, nan
from typing import ClassVar

import corenet as cn
from torch import Tensor


class BitsPerCharacter(cn.Metric):
    """The mean cross-entropy of a character in bits, ``loss / ln 2``: what an ideal code by the model's odds takes.

    It is asked of a training by cross-entropy with its mean, over texts of one length.

    >>> import torch
    >>> round(BitsPerCharacter()(torch.tensor(log(8)), torch.zeros(5, 20, dtype=torch.long)), 6)
    3.0

    Reference: C. Shannon, "Prediction and entropy of printed English", Bell System Technical Journal 30, 1951.
    """

    reads: ClassVar = "losses"

    def reset(self) -> None:
        self._nats, self._texts = 0.0, 0

    def update(self, output: Tensor, target: Tensor) -> None:
        self._nats += output.item() * len(target)
        self._texts += len(target)

    def compute(self) -> float:
        return self._nats / self._texts / log(2) if self._texts else nan
