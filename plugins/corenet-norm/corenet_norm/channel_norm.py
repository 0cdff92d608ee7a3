"""What batch and instance normalisation share: mean and variance of each channel, of the input or remembered."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import corenet as cn
import torch
from torch import Tensor

from corenet_norm.normalization import moments, wide
from corenet_norm.settings import number, size


class ChannelNorm(cn.Module):
    """``y = γ (x − μ) / √(σ² + ε) + β`` for each channel; :class:`BatchNorm2d` has the derivatives."""

    shapes: ClassVar[dict[int, str]]  # that it takes, by the number of dimensions
    usually_affine: ClassVar[bool]
    usually_tracks: ClassVar[bool]
    weight: cn.Parameter | None
    bias: cn.Parameter | None
    running_mean: cn.Buffer | None
    running_var: cn.Buffer | None
    num_batches_tracked: cn.Buffer | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        bias: bool,
    ) -> None:
        owner = type(self).__name__
        self.num_features = size(owner, "num_features", num_features)
        self.eps = number(owner, "eps", eps)
        self.momentum = None if momentum is None else number(owner, "momentum", momentum, most=1)
        self.affine, self.track_running_stats = affine, track_running_stats
        empty = torch.empty(num_features, dtype=dtype)
        self.weight = cn.Parameter(empty) if affine else None
        self.bias = cn.Parameter(empty) if affine and bias else None
        self.running_mean = cn.Buffer(empty) if track_running_stats else None
        self.running_var = cn.Buffer(empty) if track_running_stats else None
        self.num_batches_tracked = cn.Buffer(torch.tensor(0)) if track_running_stats else None
        self.to(device=device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and forget the running statistics."""
        for each, value in ((self.weight, 1), (self.bias, 0)):
            if each is not None:
                each.fill_(value)
        self.reset_running_stats()

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1, and the count of batches to 0."""
        for each, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if each is not None:
                each.fill_(value)

    def forward(self, input: Tensor) -> Tensor:
        x, of_input = wide(input), self._normalizes_by_input
        mean, variance = moments(x, self.dims(x)) if of_input else self._remembered(x)
        if self.training and self.track_running_stats:
            self.remember(x, mean, variance)
        scale = (variance + self.eps).rsqrt()
        normalized = (x - mean) * scale
        self.save(normalized, scale, of_input)
        output = normalized if self.weight is None else normalized * self._along(self.weight, x)
        if self.bias is not None:
            output = output + self._along(self.bias, x)
        return output.to(input.dtype)

    def backward(self, grad_output: Tensor) -> Tensor:
        normalized, scale, of_input = self.saved()
        dy = wide(grad_output)
        sum_dy = dy.sum(self.dims(dy), keepdim=True)
        sum_dy_x = (dy * normalized).sum(self.dims(dy), keepdim=True)
        if self.weight is not None and not self.frozen:
            self.weight.grad += self._by_channel(sum_dy_x).sum(0)  # dγ = Σ dy x̂
        if self.bias is not None and not self.frozen:
            self.bias.grad += self._by_channel(sum_dy).sum(0)  # dβ = Σ dy
        if self.weight is not None:
            scale = scale * self._along(self.weight, dy)
        if of_input:  # μ and σ move with each x
            dy = dy - (sum_dy + normalized * sum_dy_x) / self._count(dy)
        return (scale * dy).to(grad_output.dtype)  # dx = γ s (dy − mean dy − x̂ mean(dy x̂)), or γ s dy

    def remember(self, input: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards the mean of a batch's, :meth:`rate` of the way; an empty one has none."""
        if not input.numel():
            return
        n = self._count(input)
        for running, each in ((self.running_mean, mean), (self.running_var, variance * n / (n - 1))):
            assert running is not None
            running.add_(self.rate(each.dtype) * (self._by_channel(each).mean(0) - running))

    def rate(self, dtype: torch.dtype) -> float | Tensor:
        """Return by how much of the way to a batch's statistics the running ones move."""
        raise NotImplementedError

    def dims(self, input: Tensor) -> list[int]:
        """Return the dimensions that mean and variance are taken over."""
        raise NotImplementedError

    def channel_dim(self, input: Tensor) -> int:
        """Return the dimension of the channels."""
        raise NotImplementedError

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        for each in (self.weight, self.running_mean):
            if each is not None:
                self.check_matches(input, each)
        if input.dim() not in self.shapes or input.shape[self.channel_dim(input)] != self.num_features:
            expected = " or ".join(self.shapes.values())
            raise cn.ShapeError(repr(self), input.shape, f"expected {expected} with C = {self.num_features}")
        if self._normalizes_by_input and self._count(input) == 1:
            raise cn.ShapeError(repr(self), input.shape, "expected more than one value for a mean and a variance")

    @property
    def _normalizes_by_input(self) -> bool:
        return self.training or not self.track_running_stats

    def _remembered(self, input: Tensor) -> tuple[Tensor, Tensor]:
        assert self.running_mean is not None
        assert self.running_var is not None
        return self._along(self.running_mean, input), self._along(self.running_var, input)

    def _along(self, values: Tensor, input: Tensor) -> Tensor:
        """Return a value for each channel, in the shape that lies along the input's channels."""
        after = input.dim() - 1 - self.channel_dim(input)
        return wide(values).view(-1, *(1,) * after)

    def _by_channel(self, values: Tensor) -> Tensor:
        """Return values that are kept for each channel, or for each of a sample, in the shape (1 or N, C)."""
        return values.reshape(-1, self.num_features)

    def _count(self, input: Tensor) -> int:
        """Return how many numbers a mean is of."""
        return prod([input.shape[dim] for dim in self.dims(input)])

    def __repr__(self) -> str:
        usual = {
            "eps": 1e-5,
            "momentum": 0.1,
            "affine": self.usually_affine,
            "track_running_stats": self.usually_tracks,
        }
        changed = [f", {name}={vars(self)[name]}" for name, each in usual.items() if vars(self)[name] != each]
        without = ", bias=False" if self.affine and self.bias is None else ""
        return f"{type(self).__name__}({self.num_features}{''.join(changed)}{without})"
