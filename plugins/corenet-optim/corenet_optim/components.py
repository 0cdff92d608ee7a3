"""Which components this package has; listing them imports neither torch nor their code."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry import ComponentSpec, hookimpl

ELEMENT, LAYER = ("elementwise",), ("layerwise",)


@hookimpl
def corenet_optimizers() -> Iterator[ComponentSpec]:
    yield ComponentSpec("adagrad", "corenet_optim:Adagrad", "s ← s + g²; w ← w − η g / (√s + ε)", tags=ELEMENT)
    yield ComponentSpec("adadelta", "corenet_optim:Adadelta", "w ← w − η g √(d + ε) / √(s + ε)", tags=ELEMENT)
    yield ComponentSpec("rmsprop", "corenet_optim:RMSprop", "s ← α s + (1 − α) g²; w ← w − η g / √s", tags=ELEMENT)
    yield ComponentSpec("adamax", "corenet_optim:Adamax", "u ← max(β₂ u, |g|); w ← w − η m̂ / u", tags=ELEMENT)
    yield ComponentSpec("nadam", "corenet_optim:NAdam", "adam, with Nesterov's look ahead", tags=ELEMENT)
    yield ComponentSpec("radam", "corenet_optim:RAdam", "adam, its variance rectified", tags=ELEMENT)
    yield ComponentSpec("lion", "corenet_optim:Lion", "w ← w − η sign(β₁ m + (1 − β₁) g)", tags=ELEMENT)
    yield ComponentSpec("lars", "corenet_optim:LARS", "momentum, at the rate η τ ‖w‖ / ‖g‖ of each layer", tags=LAYER)
    yield ComponentSpec("lamb", "corenet_optim:LAMB", "adam's step r, at the rate η ‖w‖ / ‖r‖ of each", tags=LAYER)
    yield ComponentSpec("muon", "corenet_optim:Muon", "momentum of matrices, made orthogonal", tags=LAYER)


@hookimpl
def corenet_callbacks() -> Iterator[ComponentSpec]:
    yield ComponentSpec("swa", "corenet_optim:SWA", "ends with the mean of the weights of several epochs")
    yield ComponentSpec("ema", "corenet_optim:EMA", "ends with a mean of the weights that forgets")
