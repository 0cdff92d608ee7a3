"""The arguments of a call in other sizes, made of the numbers that they have."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet_torch.call import Call


def resized(call: Call, dimension: int, size: int, seed: int = 0) -> Call:
    """Return the call with ``size`` entries along a dimension, counted from the first or the last, of its first input.

    Every tensor of as many entries there has the new number too. New entries lie between two of the old ones, so that
    they stay in a domain that is an interval, and rows that sum to one still do; of integers they are old ones.

    >>> call = Call.of(lambda a, b: a * b, (torch.rand(4, 3), torch.rand(4, 1)))
    >>> [tuple(each.shape) for each in resized(call, 0, 7).inputs]
    [(7, 3), (7, 1)]
    """
    before = call.inputs[0].shape[dimension]
    generator = torch.Generator().manual_seed(seed)
    return call.with_args(
        _between(each, dimension, size, generator)
        if isinstance(each, Tensor) and _has(each, dimension) and each.shape[dimension] == before
        else each
        for each in call.args
    )


def deepened(call: Call, seed: int = 0) -> tuple[Call, Call]:
    """Return the call with one more dimension before those of its first input, of two; and the second of them alone.

    Every input of the same shape has it too.

    >>> deep, _ = deepened(Call.of(lambda a, b: a * b, (torch.rand(4, 3), torch.rand(3))))
    >>> [tuple(each.shape) for each in deep.inputs]
    [(2, 4, 3), (3,)]
    """
    shape = call.inputs[0].shape
    others = blended(call, seed).inputs
    second = call.with_inputs(
        [other if each.shape == shape else each for each, other in zip(call.inputs, others, strict=True)]
    )
    both = zip(call.inputs, second.inputs, strict=True)
    return call.with_inputs([torch.stack(pair) if pair[0].shape == shape else pair[0] for pair in both]), second


def blended(call: Call, seed: int = 0) -> Call:
    """Return the call with other numbers in the same shapes."""
    first = next((each for each in call.inputs if each.dim() and each.shape[0] > 1), None)
    if first is None:
        return call.with_inputs([each * 0.75 for each in call.inputs])
    generator = torch.Generator().manual_seed(seed + 1)
    return call.with_inputs(
        [_between(each, 0, each.shape[0], generator) if each.dim() and each.shape[0] else each for each in call.inputs]
    )


def _between(tensor: Tensor, dimension: int, size: int, generator: torch.Generator) -> Tensor:
    count = tensor.shape[dimension]
    left, right = (torch.randint(count, (size,), generator=generator).to(tensor.device) for _ in range(2))
    first = tensor.index_select(dimension, left)
    if not tensor.is_floating_point():
        return first
    shape = [1] * tensor.dim()
    shape[dimension] = size
    part = torch.rand(size, generator=generator, dtype=torch.float64).to(tensor).view(shape)
    return first + part * (tensor.index_select(dimension, right) - first)


def _has(tensor: Tensor, dimension: int) -> bool:
    return -tensor.dim() <= dimension < tensor.dim()
