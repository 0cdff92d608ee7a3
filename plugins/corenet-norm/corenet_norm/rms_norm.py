"""Normalisation by the root of the mean square."""

from __future__ import annotations

from collections.abc import Sequence

import corenet as cn
import torch
from torch import Tensor

from corenet_norm.normalization import wide
from corenet_norm.settings import number, shape


class RMSNorm(cn.Module):
    r"""Normalisation by the root of the mean square over the last dimensions: ``y = γ x̂`` with ``x̂ = x s``.

    Over the values of the dimensions in ``normalized_shape``, for each place in the others::

        s = 1 / √(mean x² + ε)

        dγ = Σ dy x̂    over all places
        dx = s (dx̂ − x̂ mean(dx̂ x̂))    with dx̂ = γ dy

    Args:
        normalized_shape: the last dimensions, or one integer for the last one.
        eps: ``ε``, which keeps the root away from 0; the distance from 1 to the next number of its dtype if None.
        elementwise_affine: False leaves ``γ`` out, and ``weight`` None.
        device, dtype: where and as what the parameter lives; torch's defaults if None.

    Shape: ``(*, *normalized_shape)``, unchanged; ``weight`` has ``normalized_shape``.

    Raises:
        ConfigError: ``normalized_shape`` is no such shape, or ``eps`` no such number.
        ShapeError: the input's last dimensions are others.
        DTypeError, DeviceError: the input does not match the parameter.

    >>> norm = RMSNorm(2, eps=0)
    >>> norm(torch.tensor([[7.0, -7.0]]))
    tensor([[ 1., -1.]])
    >>> norm.backward(torch.tensor([[7.0, 21.0]]))
    tensor([[2., 2.]])
    >>> norm.weight.grad
    tensor([  7., -21.])

    Reference: B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    """

    weight: cn.Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.normalized_shape = shape("RMSNorm", "normalized_shape", normalized_shape)
        self.eps = None if eps is None else number("RMSNorm", "eps", eps)
        self.elementwise_affine = elementwise_affine
        self.weight = cn.Parameter(torch.empty(self.normalized_shape, dtype=dtype)) if elementwise_affine else None
        self.to(device=device)
        self.reset_parameters()

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: one dimension and two, with and without a weight."""
        return [
            cn.Case({"normalized_shape": 4}, (3, 4)),
            cn.Case({"normalized_shape": (2, 3), "eps": 0.1}, (2, 2, 2, 3)),
            cn.Case({"normalized_shape": 3, "elementwise_affine": False}, (3,)),
        ]

    def reset_parameters(self) -> None:
        """Set the weight to 1."""
        if self.weight is not None:
            self.weight.fill_(1)

    def forward(self, input: Tensor) -> Tensor:
        x = wide(input)
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        scale = (x.square().mean(self._dims, keepdim=True) + eps).rsqrt()
        normalized = x * scale
        self.save(normalized, scale)
        output = normalized if self.weight is None else normalized * self.weight
        return output.to(input.dtype)

    def backward(self, grad_output: Tensor) -> Tensor:
        normalized, scale = self.saved()
        dy = wide(grad_output)
        if self.weight is not None and not self.frozen:
            self.weight.grad += (dy * normalized).sum_to_size(self.normalized_shape)  # dγ = Σ dy x̂
        if self.weight is not None:
            dy = dy * self.weight  # dx̂ = γ dy
        along = (dy * normalized).mean(self._dims, keepdim=True)
        return (scale * (dy - normalized * along)).to(grad_output.dtype)  # dx = s (dx̂ − x̂ mean(dx̂ x̂))

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        if self.weight is not None:
            self.check_matches(input, self.weight)
        if input.shape[-len(self.normalized_shape) :] != self.normalized_shape:
            raise cn.ShapeError(repr(self), input.shape, f"expected last dimensions {self.normalized_shape}")

    @property
    def _dims(self) -> list[int]:
        return list(range(-len(self.normalized_shape), 0))

    def __repr__(self) -> str:
        affine = "" if self.elementwise_affine else ", elementwise_affine=False"
        return f"RMSNorm({self.normalized_shape}{'' if self.eps is None else f', eps={self.eps:g}'}{affine})"
