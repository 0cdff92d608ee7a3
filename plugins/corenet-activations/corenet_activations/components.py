"""Which components this package has; listing them imports neither torch nor their code."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry import ComponentSpec, hookimpl

TAGS = ("activation",)


@hookimpl
def corenet_modules() -> Iterator[ComponentSpec]:
    yield ComponentSpec("leaky_relu", "corenet_activations:LeakyReLU", "y = max(x, 0) + α min(x, 0)", tags=TAGS)
    yield ComponentSpec("prelu", "corenet_activations:PReLU", "y = max(x, 0) + w min(x, 0), w learnt", tags=TAGS)
    yield ComponentSpec("elu", "corenet_activations:ELU", "y = x, or α (eˣ − 1) where x ≤ 0", tags=TAGS)
    yield ComponentSpec("selu", "corenet_activations:SELU", "y = λ elu(x), self-normalizing", tags=TAGS)
    yield ComponentSpec("gelu", "corenet_activations:GELU", "y = x Φ(x), Φ exact or by tanh", tags=TAGS)
    yield ComponentSpec("silu", "corenet_activations:SiLU", "y = x σ(x)", tags=TAGS)
    yield ComponentSpec("mish", "corenet_activations:Mish", "y = x tanh(log(1 + eˣ))", tags=TAGS)
    yield ComponentSpec("hardswish", "corenet_activations:Hardswish", "y = x clamp(x + 3, 0, 6) / 6", tags=TAGS)
    yield ComponentSpec("softplus", "corenet_activations:Softplus", "y = log(1 + e^βx) / β", tags=TAGS)
    yield ComponentSpec("softsign", "corenet_activations:Softsign", "y = x / (1 + |x|)", tags=TAGS)
    yield ComponentSpec("hardtanh", "corenet_activations:Hardtanh", "y = clamp(x, min_val, max_val)", tags=TAGS)
    yield ComponentSpec("glu", "corenet_activations:GLU", "y = a σ(b), of the halves (a, b) of x", tags=TAGS)
