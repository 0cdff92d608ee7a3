"""Normalisation of each channel of each image."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_norm.channel_norm import ChannelNorm


class InstanceNorm2d(ChannelNorm):
    r"""Normalisation of each channel of each image by itself: ``y = γ x̂ + β`` with ``x̂ = (x − μ) s``.

    Over the n = H W places of a channel of an image::

        μ = mean x        σ² = mean (x − μ)²        s = 1 / √(σ² + ε)

        dγ = Σₙ Σ dy x̂        dβ = Σₙ Σ dy        dx = γ s (dy − (Σ dy + x̂ Σ dy x̂) / n)

    With ``track_running_stats`` the running statistics move towards the mean over the batch of ``μ`` and of
    ``σ² n / (n − 1)``, and in evaluation, and where the module is frozen, they take the place of ``μ`` and ``σ²``.

    Args:
        num_features: C, the channels.
        eps: ``ε``, which keeps the root away from 0.
        momentum: by how much of the way to a batch's statistics the running ones move; None does not move them.
        affine: True has ``γ`` and ``β``; else ``weight`` and ``bias`` are None.
        track_running_stats: True remembers statistics, for evaluation.
        device, dtype: where and as what the parameters live; torch's defaults if None.
        bias: False leaves ``β`` out, and ``bias`` None.

    Shape: ``(N, C, H, W) -> (N, C, H, W)``, or both without N. ``weight`` and ``bias`` are ``(C,)``.

    Raises:
        ConfigError: ``num_features`` is no positive integer, or ``eps`` or ``momentum`` no such number.
        ShapeError: the input has other dimensions or channels, or a single place to normalise.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> norm = InstanceNorm2d(1, eps=0)
    >>> norm(torch.tensor([[[1.0, 3.0]], [[10.0, 30.0]]]).unsqueeze(1)).flatten()
    tensor([-1.,  1., -1.,  1.])
    >>> norm.backward(torch.tensor([[[1.0, 5.0]], [[0.0, 2.0]]]).unsqueeze(1)).flatten()
    tensor([0., 0., 0., 0.])

    Reference: D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance normalization: the missing ingredient for fast
    stylization", arXiv:1607.08022, 2016.
    """

    shapes = {4: "(N, C, H, W)", 3: "(C, H, W)"}
    usually_affine = usually_tracks = False

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: with and without what is optional, and one image alone."""
        return [
            cn.Case({"num_features": 2, "affine": True}, (3, 2, 2, 3)),
            cn.Case({"num_features": 3, "track_running_stats": True, "momentum": 0.3}, (2, 3, 2, 2)),
            cn.Case({"num_features": 2, "affine": True, "bias": False}, (2, 3, 2)),
        ]

    def rate(self, dtype: torch.dtype) -> float:
        return self.momentum or 0.0

    def dims(self, input: Tensor) -> list[int]:
        return [-2, -1]

    def channel_dim(self, input: Tensor) -> int:
        return input.dim() - 3
