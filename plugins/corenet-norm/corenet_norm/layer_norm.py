"""Normalisation of each sample by itself."""

from __future__ import annotations

from collections.abc import Sequence

import corenet as cn
import torch
from torch import Tensor

from corenet_norm.normalization import normalize, normalize_backward, wide
from corenet_norm.settings import number, shape


class LayerNorm(cn.Module):
    r"""Normalisation over the last dimensions: ``y = γ x̂ + β`` with ``x̂ = (x − μ) s``.

    Over the values of the dimensions in ``normalized_shape``, for each place in the others::

        μ = mean x        σ² = mean (x − μ)²        s = 1 / √(σ² + ε)

        dγ = Σ dy x̂        dβ = Σ dy    over all places
        dx = s (dx̂ − mean dx̂ − x̂ mean(dx̂ x̂))    with dx̂ = γ dy

    Args:
        normalized_shape: the last dimensions, or one integer for the last one.
        eps: ``ε``, which keeps the root away from 0.
        elementwise_affine: False leaves ``γ`` and ``β`` out, and ``weight`` and ``bias`` None.
        bias: False leaves ``β`` out, and ``bias`` None.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: ``(*, *normalized_shape)``, unchanged; ``weight`` and ``bias`` have ``normalized_shape``.

    Raises:
        ConfigError: ``normalized_shape`` is no such shape, or ``eps`` no such number.
        ShapeError: the input's last dimensions are others.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> norm = LayerNorm(2, eps=0)
    >>> norm(torch.tensor([[1.0, 3.0], [10.0, 30.0]]))
    tensor([[-1.,  1.],
            [-1.,  1.]])
    >>> norm.backward(torch.tensor([[1.0, 5.0], [2.0, 2.0]]))
    tensor([[0., 0.],
            [0., 0.]])
    >>> norm.weight.grad, norm.bias.grad
    (tensor([-3.,  7.]), tensor([3., 7.]))

    Reference: J. Ba, J. Kiros, G. Hinton, "Layer normalization", arXiv:1607.06450, 2016.
    """

    weight: cn.Parameter | None
    bias: cn.Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.normalized_shape = shape("LayerNorm", "normalized_shape", normalized_shape)
        self.eps, self.elementwise_affine = number("LayerNorm", "eps", eps), elementwise_affine
        empty = torch.empty(self.normalized_shape, dtype=dtype)
        self.weight = cn.Parameter(empty) if elementwise_affine else None
        self.bias = cn.Parameter(empty) if elementwise_affine and bias else None
        self.to(device=device)
        self.reset_parameters()

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: one dimension and two, with what is optional or not."""
        return [
            cn.Case({"normalized_shape": 4}, (3, 4)),
            cn.Case({"normalized_shape": (2, 3), "bias": False}, (2, 2, 2, 3)),
            cn.Case({"normalized_shape": 3, "elementwise_affine": False}, (3,)),
        ]

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        for each, value in ((self.weight, 1), (self.bias, 0)):
            if each is not None:
                each.fill_(value)

    def forward(self, input: Tensor) -> Tensor:
        normalized, scale = normalize(wide(input), self._dims, self.eps)
        self.save(normalized, scale)
        output = normalized if self.weight is None else normalized * self.weight
        if self.bias is not None:
            output = output + self.bias
        return output.to(input.dtype)

    def backward(self, grad_output: Tensor) -> Tensor:
        normalized, scale = self.saved()
        dy = wide(grad_output)
        if self.weight is not None and not self.frozen:
            self.weight.grad += (dy * normalized).sum_to_size(self.normalized_shape)  # dγ = Σ dy x̂
        if self.bias is not None and not self.frozen:
            self.bias.grad += dy.sum_to_size(self.normalized_shape)  # dβ = Σ dy
        grad_normalized = dy if self.weight is None else dy * self.weight
        return normalize_backward(grad_normalized, normalized, scale, self._dims).to(grad_output.dtype)

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
        without = ", bias=False" if self.elementwise_affine and self.bias is None else ""
        return f"LayerNorm({self.normalized_shape}, eps={self.eps:g}{affine}{without})"
