r"""Initial weights.

For a weight of shape (fan_out, fan_in):

================== ============================================== =============
name               distribution                                   keeps
================== ============================================== =============
``uniform``        U(±1/√fan_in), the bias too                    PyTorch's default
``xavier_uniform`` U(±√(6 / (fan_in + fan_out)))                  the variance, for tanh
``xavier_normal``  N(0, 2 / (fan_in + fan_out))                   the variance, for tanh
``he_uniform``     U(±√(6 / fan_in))                              the variance, for ReLU
``he_normal``      N(0, 2 / fan_in)                               the variance, for ReLU
``normal``         N(0, 1)                                        nothing: wide layers saturate
``zeros``          0                                              nothing: all units stay equal
================== ============================================== =============

The bias is zero except with ``uniform``. All draw from torch's generator.

References: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
feedforward neural networks", AISTATS 2010; K. He et al., "Delving deep into
rectifiers", ICCV 2015; Y. LeCun et al., "Efficient BackProp", 1998.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from torch import Tensor

from corenet.errors import ConfigError, did_you_mean

Initializer = Callable[[Tensor, Tensor | None], None]


def uniform(weight: Tensor, bias: Tensor | None) -> None:
    bound = 1 / sqrt(_fan_in(weight))
    weight.uniform_(-bound, bound)
    if bias is not None:
        bias.uniform_(-bound, bound)


def xavier_uniform(weight: Tensor, bias: Tensor | None) -> None:
    bound = sqrt(6 / (_fan_in(weight) + _fan_out(weight)))
    weight.uniform_(-bound, bound)
    _zero(bias)


def xavier_normal(weight: Tensor, bias: Tensor | None) -> None:
    weight.normal_(0, sqrt(2 / (_fan_in(weight) + _fan_out(weight))))
    _zero(bias)


def he_uniform(weight: Tensor, bias: Tensor | None) -> None:
    bound = sqrt(6 / _fan_in(weight))
    weight.uniform_(-bound, bound)
    _zero(bias)


def he_normal(weight: Tensor, bias: Tensor | None) -> None:
    weight.normal_(0, sqrt(2 / _fan_in(weight)))
    _zero(bias)


def normal(weight: Tensor, bias: Tensor | None) -> None:
    weight.normal_(0, 1)
    _zero(bias)


def zeros(weight: Tensor, bias: Tensor | None) -> None:
    weight.zero_()
    _zero(bias)


INITIALIZERS: dict[str, Initializer] = {
    draw.__name__: draw for draw in (uniform, xavier_uniform, xavier_normal, he_uniform, he_normal, normal, zeros)
}


def initializer(name: str) -> Initializer:
    """Return the initializer called ``name``.

    Raises:
        ConfigError: there is none of that name.
    """
    if not isinstance(name, str) or name not in INITIALIZERS:
        raise ConfigError(
            f"unknown initializer {name!r}{did_you_mean(str(name), INITIALIZERS)}; there are {', '.join(INITIALIZERS)}",
            name="init",
            value=name,
        )
    return INITIALIZERS[name]


def _fan_in(weight: Tensor) -> int:
    return weight.shape[1]


def _fan_out(weight: Tensor) -> int:
    return weight.shape[0]


def _zero(bias: Tensor | None) -> None:
    if bias is not None:
        bias.zero_()
