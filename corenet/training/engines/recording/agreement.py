"""Whether what a faster engine came to is what the plain step came to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

MOVE = 100  # roundings of what moved, by which sums of another order may differ
VALUE = 4  # roundings of the numbers themselves
CARRIED = 30  # times what one rounding of weights and inputs makes of a result


def agree(
    found: Sequence[Tensor],
    plain: Sequence[Tensor],
    before: Sequence[Tensor] | None = None,
    carried: Sequence[float] | None = None,
) -> bool:
    """Tell whether two results of one computation differ by the rounding of sums of another order only.

    A tensor is judged by how far it was moved from ``before``, zero if that is None: a wrong step is seen however
    small it is beside the weights. One that is zero in both but for rounding, such as the gradient of a bias before a
    batch normalisation, has no scale of its own and is judged by the largest of all. ``carried`` is what one rounding
    of what goes in makes of each, if that is known (:mod:`.sensitivity`): all of a gradient, at the end of a training.

    >>> plain = [torch.tensor([1.0, 2.0]), torch.tensor([1e-9])]
    >>> agree([torch.tensor([1.0, 2.000001]), torch.tensor([-3e-8])], plain)
    True
    >>> agree([torch.tensor([1.0, 2.001]), torch.tensor([1e-9])], plain)
    False
    """
    if len(found) != len(plain):
        return False
    starts = [None] * len(plain) if before is None else before
    moves = [_size(each if start is None else each - start) for each, start in zip(plain, starts, strict=True)]
    largest = max(moves, default=0.0)
    far = [0.0] * len(plain) if carried is None else carried
    return all(_close(*each, largest) for each in zip(found, plain, moves, far, strict=True))


def _close(found: Tensor, plain: Tensor, move: float, carried: float, largest: float) -> bool:
    if found.shape != plain.shape or not plain.is_floating_point():
        return torch.equal(found, plain)
    eps = min(torch.finfo(plain.dtype).eps, 2e-4)
    rounding = MOVE * eps
    tolerance = rounding * move + VALUE * eps * _size(plain) + CARRIED * carried
    is_finite = bool(found.isfinite().all()) and bool(plain.isfinite().all())
    is_zero = is_finite and max(_size(found), _size(plain)) <= rounding * largest
    return is_zero or torch.allclose(found, plain, rtol=0, atol=tolerance, equal_nan=True)


def _size(tensor: Tensor) -> float:
    """Return the largest finite number of a tensor, without its sign."""
    if not (tensor.numel() and tensor.is_floating_point()):
        return 0.0
    return float(tensor.abs().nan_to_num(0, 0, 0).max())
