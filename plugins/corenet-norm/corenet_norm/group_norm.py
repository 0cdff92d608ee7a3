"""Normalisation of groups of channels."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_norm.normalization import normalize, normalize_backward, wide
from corenet_norm.settings import number, size


class GroupNorm(cn.Module):
    r"""Normalisation of groups of channels of each sample: ``y = γ x̂ + β`` with ``x̂ = (x − μ) s``.

    Over all values of the channels of a group, in one sample::

        μ = mean x        σ² = mean (x − μ)²        s = 1 / √(σ² + ε)

        dγ = Σ dy x̂        dβ = Σ dy    over all samples and places of a channel
        dx = s (dx̂ − mean dx̂ − x̂ mean(dx̂ x̂))    with dx̂ = γ dy

    Args:
        num_groups: into how many groups the channels are split.
        num_channels: C, the channels.
        eps: ``ε``, which keeps the root away from 0.
        affine: False leaves ``γ`` and ``β`` out, and ``weight`` and ``bias`` None.
        device, dtype: where and as what the parameters live; torch's defaults if None.
        bias: False leaves ``β`` out, and ``bias`` None.

    Shape: ``(N, C, *)``, unchanged; ``weight`` and ``bias`` are ``(C,)``.

    Raises:
        ConfigError: a count is no positive integer, ``num_groups`` does not divide ``num_channels``, or ``eps`` is no
            such number.
        ShapeError: the input has other channels, or a single value in a group.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> norm = GroupNorm(2, 4, eps=0)
    >>> norm(torch.tensor([[1.0, 3.0, 10.0, 30.0]]))
    tensor([[-1.,  1., -1.,  1.]])
    >>> norm.backward(torch.tensor([[1.0, 5.0, 2.0, 2.0]]))
    tensor([[0., 0., 0., 0.]])
    >>> norm.weight.grad
    tensor([-1.,  5., -2.,  2.])

    Reference: Y. Wu, K. He, "Group normalization", ECCV 2018.
    """

    weight: cn.Parameter | None
    bias: cn.Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        self.num_groups = size("GroupNorm", "num_groups", num_groups)
        self.num_channels = size("GroupNorm", "num_channels", num_channels)
        if num_channels % num_groups:
            rule = f"must divide num_channels={num_channels}, not {num_groups}"
            raise cn.ConfigError(f"GroupNorm: num_groups {rule}", name="num_groups", value=num_groups)
        self.eps, self.affine = number("GroupNorm", "eps", eps), affine
        empty = torch.empty(num_channels, dtype=dtype)
        self.weight = cn.Parameter(empty) if affine else None
        self.bias = cn.Parameter(empty) if affine and bias else None
        self.to(device=device)
        self.reset_parameters()

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: one group, several, one for each channel."""
        return [
            cn.Case({"num_groups": 2, "num_channels": 4}, (3, 4)),
            cn.Case({"num_groups": 1, "num_channels": 3, "bias": False}, (2, 3, 2, 2)),
            cn.Case({"num_groups": 2, "num_channels": 2, "affine": False}, (2, 2, 5)),
        ]

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        for each, value in ((self.weight, 1), (self.bias, 0)):
            if each is not None:
                each.fill_(value)

    def forward(self, input: Tensor) -> Tensor:
        groups, scale = normalize(self._grouped(wide(input)), [-1], self.eps)
        normalized = groups.view(input.shape)
        self.save(normalized, scale)
        output = normalized if self.weight is None else normalized * self._along(self.weight, input)
        if self.bias is not None:
            output = output + self._along(self.bias, input)
        return output.to(input.dtype)

    def backward(self, grad_output: Tensor) -> Tensor:
        normalized, scale = self.saved()
        dy = wide(grad_output)
        places = [dim for dim in range(dy.dim()) if dim != 1]
        if self.weight is not None and not self.frozen:
            self.weight.grad += (dy * normalized).sum(places)  # dγ = Σ dy x̂
        if self.bias is not None and not self.frozen:
            self.bias.grad += dy.sum(places)  # dβ = Σ dy
        grad_normalized = dy if self.weight is None else dy * self._along(self.weight, dy)
        groups = self._grouped(grad_normalized), self._grouped(normalized)
        grad_input = normalize_backward(*groups, scale, [-1])
        return grad_input.view(grad_output.shape).to(grad_output.dtype)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        if self.weight is not None:
            self.check_matches(input, self.weight)
        if input.dim() < 2 or input.shape[1] != self.num_channels:
            raise cn.ShapeError(repr(self), input.shape, f"expected (N, C, …) with C = {self.num_channels}")
        if input.shape[1:].numel() == self.num_groups:
            raise cn.ShapeError(repr(self), input.shape, "expected more than one value in a group")

    def _grouped(self, tensor: Tensor) -> Tensor:
        """Return ``tensor`` in the shape (N, groups, values)."""
        return tensor.reshape(len(tensor), self.num_groups, tensor.shape[1:].numel() // self.num_groups)

    @staticmethod
    def _along(values: Tensor, input: Tensor) -> Tensor:
        """Return a value for each channel, in the shape that lies along the input's channels."""
        return values.view(-1, *(1,) * (input.dim() - 2))

    def __repr__(self) -> str:
        affine = "" if self.affine else ", affine=False"
        without = ", bias=False" if self.affine and self.bias is None else ""
        return f"GroupNorm({self.num_groups}, {self.num_channels}, eps={self.eps:g}{affine}{without})"
