"""The generators of random numbers in a file: torch's for the device, and the global ones of Python and numpy."""

from __future__ import annotations

import random
from typing import Any

import numpy
import torch

from corenet.training.draws import set_states, states


def generators(device: torch.device) -> dict[str, Any]:
    """Return where all of them stand, as a file keeps it."""
    _, key, *rest = numpy.random.get_state()
    words = torch.from_numpy(numpy.asarray(key).astype(numpy.int64))
    return {"torch": states(device), "python": random.getstate(), "numpy": (words, *rest)}


def set_generators(kept: Any, device: torch.device) -> None:
    """Let all of them stand where :func:`generators` found them."""
    key, *rest = kept["numpy"]
    random.setstate(kept["python"])
    numpy.random.set_state(("MT19937", key.numpy().astype(numpy.uint32), *rest))
    set_states(kept["torch"], device)


def check_generators(kept: Any) -> None:
    """Raise if this is not what :func:`generators` returned.

    Raises:
        ValueError, TypeError, LookupError: it is not.

    >>> check_generators(generators(torch.device("cpu")))
    >>> check_generators({"numpy": (torch.zeros(3),)})
    Traceback (most recent call last):
    ValueError: the states of its random generators are damaged
    """
    key, *rest = kept["numpy"]
    try:
        random.Random().setstate(kept["python"])  # noqa: S311 - to see whether it is a state
        numpy.random.RandomState().set_state(("MT19937", key.numpy().astype(numpy.uint32), *rest))
        torch.Generator().set_state(kept["torch"][0])
    except Exception as error:
        raise ValueError("the states of its random generators are damaged") from error
