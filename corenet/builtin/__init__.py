"""The built-in plugin: it registers its components through the hooks that every plugin has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from corenet.registry.hookspecs import hookimpl
from corenet.registry.spec import ComponentSpec

if TYPE_CHECKING:  # the types of cn.Linear and the others, for each component below; nothing is imported when it runs
    from corenet.builtin.activations import ReLU as ReLU
    from corenet.builtin.activations import Sigmoid as Sigmoid
    from corenet.builtin.activations import Tanh as Tanh
    from corenet.builtin.cross_entropy import CrossEntropyLoss as CrossEntropyLoss
    from corenet.builtin.dropout import Dropout as Dropout
    from corenet.builtin.flatten import Flatten as Flatten
    from corenet.builtin.linear import Linear as Linear
    from corenet.builtin.losses import BCELoss as BCELoss
    from corenet.builtin.losses import BCEWithLogitsLoss as BCEWithLogitsLoss
    from corenet.builtin.losses import MAELoss as MAELoss
    from corenet.builtin.losses import MSELoss as MSELoss
    from corenet.builtin.sgd import SGD as SGD
    from corenet.builtin.softmax import LogSoftmax as LogSoftmax
    from corenet.builtin.softmax import Softmax as Softmax


@hookimpl
def corenet_modules() -> Iterator[ComponentSpec]:
    yield ComponentSpec("linear", "corenet.builtin.linear:Linear", "y = x Wᵀ + b")
    yield ComponentSpec("dropout", "corenet.builtin.dropout:Dropout", "y = x · mask / (1 − p), mask ~ Bernoulli(1 − p)")
    yield ComponentSpec("flatten", "corenet.builtin.flatten:Flatten", "(N, d₁, d₂, …) → (N, d₁ · d₂ · …)")
    yield ComponentSpec("relu", "corenet.builtin.activations:ReLU", "y = max(x, 0)", tags=("activation",))
    yield ComponentSpec("tanh", "corenet.builtin.activations:Tanh", "y = tanh x", tags=("activation",))
    yield ComponentSpec("sigmoid", "corenet.builtin.activations:Sigmoid", "y = 1 / (1 + e⁻ˣ)", tags=("activation",))
    yield ComponentSpec("softmax", "corenet.builtin.softmax:Softmax", "yᵢ = e^xᵢ / Σⱼ e^xⱼ", tags=("activation",))
    yield ComponentSpec(
        "log_softmax", "corenet.builtin.softmax:LogSoftmax", "yᵢ = xᵢ − log Σⱼ e^xⱼ", tags=("activation",)
    )


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
    yield ComponentSpec(
        "cross_entropy",
        "corenet.builtin.cross_entropy:CrossEntropyLoss",
        "−Σ t log softmax(x), of class indices or probabilities",
        aliases=("cross_entropy_loss",),
    )


@hookimpl
def corenet_optimizers() -> Iterator[ComponentSpec]:
    yield ComponentSpec("sgd", "corenet.builtin.sgd:SGD", "v ← μ v + g; w ← w − η v")
