"""What every rank has, sent to every other one at once: a single turn, where a ring takes 2 (N − 1) of them."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

SENT = 2**18  # bytes by a rank, up to which it takes no longer than a ring, even where a turn takes no time


def is_quicker(own: Tensor, ranks: int) -> bool:
    """Tell whether a tensor is small enough to be sent to every other rank; nccl on CUDA has ways of its own."""
    return own.device.type == "cpu" and (ranks - 1) * own.nbytes <= SENT


def sent_to_all(own: Tensor, rank: int, ranks: int) -> list[Tensor]:
    """Return the tensor of each rank, all of one shape.

    Raises:
        RuntimeError: another rank has ended, or does not come.
    """
    others = [other for other in range(ranks) if other != rank]
    found = [own if other == rank else torch.empty_like(own) for other in range(ranks)]
    works = [dist.irecv(found[other], other) for other in others] + [dist.isend(own, other) for other in others]
    for work in works:
        if work is not None:
            work.wait()
    return found
