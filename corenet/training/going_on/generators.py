"""The generators of random numbers in a file: torch's for the device, and the global ones of Python and numpy."""

from __future__ import annotations

import random
from typing import Any

import numpy
import torch

from corenet.training.draws import set_states, states

KEY = (624,)  # words of numpy's global generator


def generators(device: torch.device) -> dict[str, Any]:
    """Return where all of them stand, as a file keeps it."""
    _, key, *rest = numpy.random.get_state()
    words = torch.from_numpy(numpy.asarray(key).astype(numpy.int64))
    return {"torch": states(device), "python": random.getstate(), "numpy": (words, *rest)}


def set_generators(kept: Any, device: torch.device) -> None:
    """Let all of them stand where :func:`generators` found them.

    Raises:
        ValueError, TypeError, LookupError, RuntimeError: this is damaged.
    """
    key, *rest = kept["numpy"]
    if tuple(key.shape) != KEY:
        raise ValueError("numpy's generator has another size")
    python_before = random.getstate()
    try:
        random.setstate(kept["python"])
        numpy.random.set_state(("MT19937", key.numpy().astype(numpy.uint32), *rest))
        set_states(kept["torch"], device)
    except Exception:
        random.setstate(python_before)
        raise
