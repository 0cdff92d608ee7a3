"""The sizes of inputs, small and large, at which gradients are looked at, and what a fault at one of them means."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.testing.gradcheck.gradcheck import examine

ROWS = (7, 33, 130, 303, 1111)  # of blocks of up to 1024 rows a part is left over
ALWAYS = 130  # rows, beyond which only a component that is quick is tried
WIDTH = 303
QUICK = 0.004  # seconds of the processor for one evaluation, beyond which no larger input is tried
LARGE, SMALL = 30.0, 1e-3
FAR = 25.0  # where a sigmoid has a slope of 1e-11
LEAST = 1e-13  # slope that is judged, as rounding is larger than some below
GROSS = 1e-2  # relative fault that is no rounding of a small difference of large numbers

BLOCK = "right on small inputs: look for a block whose rest is lost, a fixed size, a branch on the size"
TOO_LARGE = "right on numbers of size 1 and wrong on large ones: look for a threshold, a clip, an overflow"
TOO_SMALL = "right on numbers of size 1 and wrong on tiny ones: look for a threshold, a factor for them alone, an eps"
TAIL = "right on numbers of size 1, wrong in a tail: look for a threshold, a clip, a small slope that is taken for zero"


def fault_in_tail(subject: Module | Loss, *inputs: Tensor, seed: int) -> tuple[str, str] | None:
    """Return a gradient that is wrong by 1 % or more where slopes are small, and what that means, if there is one.

    An edit of the source that mends it there may be none elsewhere, so of its diagnosis the line alone is kept.
    """
    for each in examine(subject, *inputs, seed=seed).tensors:
        if each.status == "wrong" and each.error >= GROSS and abs(each.numeric) >= LEAST:
            return str(replace(each, diagnosis="")), f"{TAIL}\n{each.diagnosis.rpartition(chr(10))[2]}"
    return None


def takes_little(function: Callable[[], object]) -> bool:
    """Tell whether ``function`` runs, and takes so little of the processor that more may be asked of it.

    A recurrence takes as many steps as it has rows, and a product of all rows with all others their square.

    >>> takes_little(lambda: 1 + 1), takes_little(lambda: 1 / 0)
    (True, False)
    """
    before = time.process_time()
    try:
        function()
    except Exception:  # noqa: BLE001 - a refusal
        return False
    return time.process_time() - before < QUICK
