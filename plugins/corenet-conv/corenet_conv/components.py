"""What this plugin offers. The targets are strings, so that listing imports no torch."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry import ComponentSpec, ExperimentSpec, hookimpl

CONV, POOL, IMAGE = ("convolution",), ("pooling",), ("image",)


@hookimpl
def corenet_modules() -> Iterator[ComponentSpec]:
    yield ComponentSpec("conv1d", "corenet_conv:Conv1d", "y[o, t] = b[o] + Σ W[o, c, k] x[c, s t + d k − p]", tags=CONV)
    yield ComponentSpec("conv2d", "corenet_conv:Conv2d", "y = W ⋆ x + b, along height and width", tags=CONV)
    yield ComponentSpec(
        "conv_transpose2d", "corenet_conv:ConvTranspose2d", "y = W ⋆ᵀ x + b, as Conv2d's dx of dy", tags=CONV
    )
    yield ComponentSpec("max_pool1d", "corenet_conv:MaxPool1d", "y[t] = max of a window of x, along length", tags=POOL)
    yield ComponentSpec("max_pool2d", "corenet_conv:MaxPool2d", "y[i, j] = max of a window of x", tags=POOL)
    yield ComponentSpec("avg_pool2d", "corenet_conv:AvgPool2d", "y[i, j] = mean of a window of x", tags=POOL)
    yield ComponentSpec(
        "adaptive_avg_pool2d", "corenet_conv:AdaptiveAvgPool2d", "the mean of each of h × w parts of x", tags=POOL
    )
    yield ComponentSpec("zero_pad2d", "corenet_conv:ZeroPad2d", "y = x with zeros around it", tags=IMAGE)
    yield ComponentSpec("unflatten", "corenet_conv:Unflatten", "(N, d₁ · d₂ · …) → (N, d₁, d₂, …)", tags=IMAGE)
    yield ComponentSpec("upsample", "corenet_conv:Upsample", "y = x at more points, nearest or bilinear", tags=IMAGE)


@hookimpl
def corenet_experiments() -> Iterator[ExperimentSpec]:
    yield ExperimentSpec("digits", "corenet_conv.experiments:digits.toml")
