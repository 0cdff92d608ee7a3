"""The masks of an attention: what they may look like, and how they are laid over its scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf

import corenet as cn
import torch
from torch import Tensor

Sizes = tuple[int, int, int, int]  # sequences, heads, queries, keys


def laid_out(sizes: Sizes, padding: Tensor | None, mask: Tensor | None, causal: Tensor | None) -> Iterator[Tensor]:
    """Yield the masks that there are, so that they broadcast to scores ``(N, h, L, S)``.

    >>> [tuple(each.shape) for each in laid_out((2, 3, 4, 5), torch.ones(2, 5), torch.ones(4, 5), None)]
    [(2, 1, 1, 5), (1, 1, 4, 5)]
    """
    batch, _, queries, keys = sizes
    if padding is not None:
        yield padding.view(batch, 1, 1, keys)
    if mask is not None:
        yield mask.view(sizes if mask.dim() == 3 else (1, 1, queries, keys))
    if causal is not None:
        yield causal


def later_keys(queries: int, keys: int, device: torch.device) -> Tensor:
    """Return a mask that hides from each query the keys after its own place.

    >>> later_keys(2, 3, torch.device("cpu")).tolist()
    [[[[False, True, True], [False, False, True]]]]
    """
    return torch.ones(1, 1, queries, keys, dtype=torch.bool, device=device).triu(1)


def refuse_misfit(name: str, mask: Tensor, like: Tensor, *shapes: tuple[int, ...]) -> None:
    """Raise unless a mask has one of ``shapes``, and is of truth values or of the dtype of ``like``.

    Raises:
        ShapeError, DTypeError, DeviceError: it is not.
    """
    if not isinstance(mask, Tensor) or mask.dtype not in (torch.bool, like.dtype):
        kind = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise cn.DTypeError(f"{name} is of torch.bool, True for what is hidden, or of {like.dtype}, got {kind}")
    if mask.device != like.device:
        raise cn.DeviceError(f"{name} is on {mask.device}, the query on {like.device}")
    if tuple(mask.shape) not in shapes:
        raise cn.ShapeError(name, mask.shape, "expected " + " or ".join(map(str, shapes)))


def refuse_blind(owner: str, sizes: Sizes, masks: Iterable[Tensor]) -> None:
    """Raise :class:`~corenet.RangeError` if no key is left that a query sees: it has no softmax."""
    hidden = torch.zeros(sizes, dtype=torch.bool)
    for mask in masks:
        hidden = hidden.to(mask.device) | (mask == -inf if mask.is_floating_point() else mask)
    blind = hidden.all(-1).nonzero()
    if len(blind):
        sequence, _, query = blind[0].tolist()
        raise cn.RangeError(f"{owner}: the masks hide every key from query {query} of sequence {sequence}")
