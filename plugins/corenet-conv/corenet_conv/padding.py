"""An image with more around it, and the derivative of that.

Each dimension by itself: what is added copies elements of the input, which get the gradients of all their copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

MODES = ("zeros", "reflect", "replicate", "circular")
Amounts = Sequence[tuple[int, int]]  # before and after, for each of the last dimensions


def pad(input: Tensor, amounts: Amounts, mode: str) -> Tensor:
    """Return ``input`` with so much before and after it, in its last dimensions.

    >>> pad(torch.tensor([1.0, 2.0, 3.0]), [(2, 1)], "reflect")
    tensor([3., 2., 1., 2., 3., 2.])
    """
    if mode == "zeros":
        return torch.constant_pad_nd(input, _flat(amounts), 0)
    for dim, (before, after) in _by_dimension(amounts):
        input = input.index_select(dim, _copied(mode, input.shape[dim], before, after, input.device))
    return input


def pad_backward(grad_output: Tensor, amounts: Amounts, mode: str) -> Tensor:
    """Return the gradient of the input, ``dx[i] = Σ dy[j]`` over the copies j of i.

    >>> pad_backward(torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 1.0]), [(2, 1)], "reflect")
    tensor([1., 3., 2.])
    """
    if mode == "zeros":
        return torch.constant_pad_nd(grad_output, [-amount for amount in _flat(amounts)], 0)
    for dim, (before, after) in _by_dimension(amounts):
        shape = list(grad_output.shape)
        shape[dim] -= before + after
        copied = _copied(mode, shape[dim], before, after, grad_output.device)
        grad_output = grad_output.new_zeros(shape).index_add(dim, copied, grad_output)
    return grad_output


def _copied(mode: str, size: int, before: int, after: int, device: torch.device) -> Tensor:
    """Return which element of the input each padded one is a copy of."""
    place = torch.arange(-before, size + after, device=device)
    if mode == "circular":
        return place % size
    if mode == "replicate":
        return place.clamp(0, size - 1)
    last = size - 1
    return last - (last - place.abs()).abs()  # mirrored at the first element, then at the last


def _by_dimension(amounts: Amounts) -> Iterator[tuple[int, tuple[int, int]]]:
    return ((place - len(amounts), amount) for place, amount in enumerate(amounts) if any(amount))


def _flat(amounts: Amounts) -> list[int]:
    """Return the amounts in the order of torch: the last dimension first."""
    return [amount for pair in reversed(amounts) for amount in pair]
