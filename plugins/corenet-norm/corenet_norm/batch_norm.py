"""Normalisation of each channel over the batch."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_norm.channel_norm import ChannelNorm


class BatchNorm(ChannelNorm):
    """Normalisation of each channel over all samples and places; see :class:`BatchNorm2d`."""

    usually_affine = usually_tracks = True

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def remember(self, input: Tensor, mean: Tensor, variance: Tensor) -> None:
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        super().remember(input, mean, variance)

    def rate(self, dtype: torch.dtype) -> float | Tensor:
        assert self.num_batches_tracked is not None
        return 1 / self.num_batches_tracked.to(dtype) if self.momentum is None else self.momentum

    def dims(self, input: Tensor) -> list[int]:
        return [0, *range(2, input.dim())]

    def channel_dim(self, input: Tensor) -> int:
        return 1


class BatchNorm1d(BatchNorm):
    r"""Normalisation of each feature, or each channel of a sequence, over the batch: ``y = γ (x − μ) / √(σ² + ε) + β``.

    ``μ`` and ``σ²`` are mean and variance over the batch in training, remembered ones in evaluation; formulas,
    derivatives and running statistics are those of :class:`BatchNorm2d`.

    Args:
        num_features: C, the features or channels.
        eps: ``ε``, which keeps the root away from 0.
        momentum: by how much of the way to a batch's statistics the running ones move; None takes the mean of all
            batches.
        affine: False leaves ``γ`` and ``β`` out, and ``weight`` and ``bias`` None.
        track_running_stats: False remembers nothing, and normalises by the batch in evaluation too.
        device, dtype: where and as what the parameters live; torch's defaults if None.
        bias: False leaves ``β`` out, and ``bias`` None.

    Shape: ``(N, C) -> (N, C)`` or ``(N, C, L) -> (N, C, L)``.

    Raises:
        ConfigError: ``num_features`` is no positive integer, or ``eps`` or ``momentum`` no such number.
        ShapeError: the input has other dimensions or channels, or in training one value for each channel only.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> norm = BatchNorm1d(1, eps=0)
    >>> norm(torch.tensor([[1.0], [3.0]]))
    tensor([[-1.],
            [ 1.]])
    >>> norm.running_mean, norm.running_var
    (tensor([0.2000]), tensor([1.1000]))
    >>> norm.backward(torch.tensor([[1.0], [5.0]]))
    tensor([[0.],
            [0.]])
    >>> norm.weight.grad, norm.bias.grad
    (tensor([4.]), tensor([6.]))

    Reference: S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", ICML 2015.
    """

    shapes = {2: "(N, C)", 3: "(N, C, L)"}

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: features and sequences, with what is optional or not."""
        return [
            cn.Case({"num_features": 3}, (5, 3)),
            cn.Case({"num_features": 2, "momentum": None, "bias": False}, (3, 2, 4)),
            cn.Case({"num_features": 3, "affine": False, "track_running_stats": False}, (4, 3)),
        ]


class BatchNorm2d(BatchNorm):
    r"""Normalisation of each channel of images over the batch: ``y = γ x̂ + β`` with ``x̂ = (x − μ) s``.

    In training, over all n values of a channel, those of all samples and places::

        μ = mean x        σ² = mean (x − μ)²        s = 1 / √(σ² + ε)

        dγ = Σ dy x̂        dβ = Σ dy        dx = γ s (dy − (Σ dy + x̂ Σ dy x̂) / n)

    and the running statistics move: ``r ← r + momentum (μ − r)``, that of the variance towards ``σ² n / (n − 1)``. In
    evaluation, and where the module is frozen, ``μ`` and ``σ²`` are the running ones, and ``dx = γ s dy``.

    Args:
        num_features: C, the channels.
        eps: ``ε``, which keeps the root away from 0.
        momentum: by how much of the way to a batch's statistics the running ones move; None takes the mean of all
            batches.
        affine: False leaves ``γ`` and ``β`` out, and ``weight`` and ``bias`` None.
        track_running_stats: False remembers nothing, and normalises by the batch in evaluation too.
        device, dtype: where and as what the parameters live; torch's defaults if None.
        bias: False leaves ``β`` out, and ``bias`` None.

    Shape: ``(N, C, H, W) -> (N, C, H, W)``. ``weight``, ``bias``, ``running_mean`` and ``running_var`` are ``(C,)``.

    Raises:
        ConfigError: ``num_features`` is no positive integer, or ``eps`` or ``momentum`` no such number.
        ShapeError: the input has other dimensions or channels, or in training one value for each channel only.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> norm = BatchNorm2d(1, eps=0)
    >>> norm(torch.tensor([[[[1.0, 3.0]]]]))
    tensor([[[[-1.,  1.]]]])
    >>> norm.backward(torch.tensor([[[[1.0, 5.0]]]]))
    tensor([[[[0., 0.]]]])
    >>> norm.weight.grad, norm.bias.grad
    (tensor([4.]), tensor([6.]))
    >>> norm.eval()(torch.tensor([[[[0.2, 0.2]]]]))
    tensor([[[[0., 0.]]]])

    Reference: S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", ICML 2015.
    """

    shapes = {4: "(N, C, H, W)"}

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: with and without what is optional."""
        return [
            cn.Case({"num_features": 2}, (3, 2, 2, 3)),
            cn.Case({"num_features": 3, "momentum": 0.3, "bias": False}, (1, 3, 4, 2)),
            cn.Case({"num_features": 2, "affine": False, "track_running_stats": False}, (2, 2, 2, 2)),
        ]
