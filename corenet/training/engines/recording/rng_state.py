"""Where torch's generators stand: the processor's, and one for each card."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def cards() -> list[int] | None:
    """Return the cards whose generators ``torch.random.fork_rng`` is to keep: all, or none before one is in use.

    It starts every card otherwise, and warns of it where there are several. None leaves it to torch, where there are
    other devices than these.
    """
    if not torch.cuda.is_available():
        return None
    return list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []


def standing() -> list[Tensor]:
    """Return where they stand, the processor's first."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state(card) for card in cards() or [])]


def rewinding() -> Callable[[], None]:
    """Return a function that puts them back where they stand now.

    >>> back = rewinding()
    >>> drawn = torch.rand(3)
    >>> back()
    >>> torch.equal(torch.rand(3), drawn)
    True
    """
    processor, *others = standing()

    def rewind() -> None:
        torch.set_rng_state(processor)
        for card, state in enumerate(others):
            torch.cuda.set_rng_state(state, card)

    return rewind
