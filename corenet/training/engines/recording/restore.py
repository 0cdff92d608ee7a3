"""Tensors and generators put back where they were, after something was tried on them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from torch import Tensor

from corenet.training.engines.recording.rng_state import rng_checkpoint


@contextmanager
def restored(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Give ``tensors`` their numbers back afterwards, and torch's generators their place.

    >>> import torch
    >>> weight = torch.ones(2)
    >>> with restored([weight]):
    ...     _ = weight.mul_(torch.rand(2))
    >>> weight
    tensor([1., 1.])
    """
    pairs, rewind = [(tensor, tensor.clone()) for tensor in tensors], rng_checkpoint()
    try:
        yield
    finally:
        for tensor, before in pairs:
            tensor.copy_(before)
        rewind()


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C wait until this is over, so that nothing is left half done; a second one does not wait.

    Python interrupts its main thread alone; in any other this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # the process ignores it, or dies of it
        yield
        return
    asked: list[tuple[int, FrameType | None]] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append((number, frame))
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if asked:
            before(*asked[0])
