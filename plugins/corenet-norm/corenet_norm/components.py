"""What this plugin offers. The targets are strings, so that listing imports no torch."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry import ComponentSpec, hookimpl

TAGS = ("normalisation",)
AS = "y = γ (x − μ) / √(σ² + ε) + β, μ and σ² of"


@hookimpl
def corenet_modules() -> Iterator[ComponentSpec]:
    yield ComponentSpec("batch_norm1d", "corenet_norm:BatchNorm1d", f"{AS} a channel in the batch", tags=TAGS)
    yield ComponentSpec("batch_norm2d", "corenet_norm:BatchNorm2d", f"{AS} a channel in a batch of images", tags=TAGS)
    yield ComponentSpec("instance_norm2d", "corenet_norm:InstanceNorm2d", f"{AS} a channel of an image", tags=TAGS)
    yield ComponentSpec("group_norm", "corenet_norm:GroupNorm", f"{AS} some channels of a sample", tags=TAGS)
    yield ComponentSpec("layer_norm", "corenet_norm:LayerNorm", f"{AS} the last dimensions", tags=TAGS)
    yield ComponentSpec("rms_norm", "corenet_norm:RMSNorm", "y = γ x / √(mean x² + ε)", tags=TAGS)
