"""The built-in plugin: it registers through the hooks that are open to everyone."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry.hookspecs import hookimpl
from corenet.registry.spec import ComponentSpec


@hookimpl
def corenet_modules() -> Iterator[ComponentSpec]:
    yield ComponentSpec("linear", "corenet.builtin.linear:Linear", "y = x Wᵀ + b")
    yield ComponentSpec("dropout", "corenet.builtin.dropout:Dropout", "y = x · mask / (1 − p), mask ~ Bernoulli(1 − p)")
    yield ComponentSpec("relu", "corenet.builtin.activations:ReLU", "y = max(x, 0)", tags=("activation",))
    yield ComponentSpec("tanh", "corenet.builtin.activations:Tanh", "y = tanh x", tags=("activation",))
    yield ComponentSpec("sigmoid", "corenet.builtin.activations:Sigmoid", "y = 1 / (1 + e⁻ˣ)", tags=("activation",))


@hookimpl
def corenet_losses() -> Iterator[ComponentSpec]:
    yield ComponentSpec("mse", "corenet.builtin.losses:MSELoss", "(x − t)²", aliases=("mse_loss",))
    yield ComponentSpec("mae", "corenet.builtin.losses:MAELoss", "|x − t|", aliases=("mae_loss",))
    yield ComponentSpec("bce", "corenet.builtin.losses:BCELoss", "−t log x − (1 − t) log(1 − x)", aliases=("bce_loss",))
    yield ComponentSpec(
        "bce_with_logits",
        "corenet.builtin.losses:BCEWithLogitsLoss",
        "bce of sigmoid(x), computed stably",
        aliases=("bce_with_logits_loss",),
    )


@hookimpl
def corenet_optimizers() -> Iterator[ComponentSpec]:
    yield ComponentSpec("sgd", "corenet.builtin.sgd:SGD", "v ← μ v + g; w ← w − η v")
