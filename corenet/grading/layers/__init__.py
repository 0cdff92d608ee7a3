"""The textbook layers, each imported when it is asked for."""

from __future__ import annotations

from corenet.errors import ConfigError, did_you_mean
from corenet.grading.textbook import Textbook

# In the order in which a course has them.
NAMES = (
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "mse",
    "cross_entropy",
    "layernorm",
    "batchnorm",
    "dropout",
    "embedding",
    "attention",
)


def layer(name: str) -> Textbook:
    """Return the textbook layer of that name.

    Raises:
        ConfigError: there is none.

    >>> layer("linear").formula
    'y = x Wᵀ + b'
    """
    from importlib import import_module

    if name not in NAMES:
        hint = did_you_mean(name, NAMES) or f"; there are {', '.join(NAMES)}"
        raise ConfigError(f"there is no textbook layer {name!r}{hint}", name="layers", value=name)
    textbook: Textbook = import_module(f"corenet.grading.layers.{name}").TEXTBOOK
    return textbook
