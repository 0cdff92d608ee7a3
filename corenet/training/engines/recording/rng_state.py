"""The states of torch's random number generators: the processor's, and one for each CUDA device."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def cuda_devices() -> list[int] | None:
    """Return the CUDA devices whose generators matter: all, or none before one is in use.

    None means that there is no CUDA. To ask a device for its generator would start it.
    """
    if not torch.cuda.is_available():
        return None
    return list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []


def rng_states() -> list[Tensor]:
    """Return the state of each generator, the processor's first."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in cuda_devices() or [])]


def rng_checkpoint() -> Callable[[], None]:
    """Return a function that puts all generators back to where they are now.

    >>> rewind = rng_checkpoint()
    >>> drawn = torch.rand(3)
    >>> rewind()
    >>> torch.equal(torch.rand(3), drawn)
    True
    """
    processor, *others = rng_states()

    def rewind() -> None:
        torch.set_rng_state(processor)
        for device, state in enumerate(others):
            torch.cuda.set_rng_state(state, device)

    return rewind
