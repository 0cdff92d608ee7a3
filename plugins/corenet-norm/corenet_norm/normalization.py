"""Numbers brought to mean 0 and variance 1, and the derivative of that."""

from __future__ import annotations

from torch import Tensor


def moments(input: Tensor, dims: list[int]) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance ``σ² = mean (x − μ)²`` over some dimensions, which are kept.

    >>> import torch
    >>> moments(torch.tensor([1.0, 3.0]), [0])
    (tensor([2.]), tensor([1.]))
    """
    mean = input.mean(dims, keepdim=True)
    return mean, (input - mean).square().mean(dims, keepdim=True)


def normalize(input: Tensor, dims: list[int], eps: float) -> tuple[Tensor, Tensor]:
    """Return ``x̂ = (x − μ) s`` and ``s = 1 / √(σ² + ε)``, with mean and variance over some dimensions.

    >>> import torch
    >>> normalize(torch.tensor([1.0, 3.0]), [0], eps=0.0)
    (tensor([-1.,  1.]), tensor([1.]))
    """
    mean, variance = moments(input, dims)
    scale = (variance + eps).rsqrt()
    return (input - mean) * scale, scale


def normalize_backward(grad: Tensor, normalized: Tensor, scale: Tensor, dims: list[int]) -> Tensor:
    """Return ``dx = s (dx̂ − mean dx̂ − x̂ · mean(dx̂ x̂))``, for μ and σ move with each x."""
    along = (grad * normalized).mean(dims, keepdim=True)
    return scale * (grad - grad.mean(dims, keepdim=True) - normalized * along)


def wide(tensor: Tensor) -> Tensor:
    """Return ``tensor`` in the dtype that means are taken in, as sums of half precision lose their digits."""
    return tensor if tensor.dtype.itemsize > 2 else tensor.float()
