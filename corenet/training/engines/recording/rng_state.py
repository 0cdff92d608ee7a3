"""The states of random number generators: torch's, one for the processor and for each CUDA device, and Python's."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy
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


def python_rng_checkpoint() -> Callable[[], None]:
    """Return a function that puts the global generators of Python and numpy back to where they are now.

    >>> rewind = python_rng_checkpoint()
    >>> drawn = random.random(), numpy.random.rand()
    >>> rewind()
    >>> drawn == (random.random(), numpy.random.rand())
    True
    """
    python, others = random.getstate(), numpy.random.get_state()

    def rewind() -> None:
        random.setstate(python)
        numpy.random.set_state(others)

    return rewind


def python_rng_states() -> tuple[object, ...]:
    """Return where the global generators of Python and numpy stand."""
    return random.getstate(), plain_state(numpy.random.get_state(legacy=False))


def plain_state(state: object) -> object:
    """Return the state of a generator of numpy with the bytes of each array in its place, to be compared by ``==``.

    >>> plain_state({"state": {"key": numpy.zeros(2, numpy.uint8)}, "pos": 3})
    {'state': {'key': b'\\x00\\x00'}, 'pos': 3}
    """
    if isinstance(state, dict):
        return {name: plain_state(value) for name, value in state.items()}
    return state.tobytes() if isinstance(state, numpy.ndarray) else state
