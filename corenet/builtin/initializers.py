r"""Initial weights.

For a weight of shape (fan_out, fan_in, ...), both multiplied by the number of places of a filter:

================== ============================================== =============
name               distribution                                   keeps
================== ============================================== =============
``uniform``        U(±1/√fan_in), the bias too                    PyTorch's default
``xavier_uniform`` U(±√(6 / (fan_in + fan_out)))                  the variance, for tanh
``xavier_normal``  N(0, 2 / (fan_in + fan_out))                   the variance, for tanh
``he_uniform``     U(±√(6 / fan_in))                              the variance, for ReLU
``he_normal``      N(0, 2 / fan_in)                               the variance, for ReLU
``normal``         N(mean, std²), by default N(0, 1)              nothing: wide layers saturate
``zeros``          0                                              nothing: all units stay equal
================== ============================================== =============

The bias is zero except with ``uniform``. All draw from torch's generator.

References: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
feedforward neural networks", AISTATS 2010; K. He et al., "Delving deep into
rectifiers", ICCV 2015; Y. LeCun et al., "Efficient BackProp", 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

from torch import Tensor

from corenet.builtin.numbers import check_number
from corenet.contracts.initializer import Initializer
from corenet.errors import ShapeError


class Uniform(Initializer):
    """``U(±1/√fan_in)``, the bias too: PyTorch's default for ``Linear``."""

    def __call__(self, weight: Tensor) -> None:
        bound = 1 / sqrt(_fan_in(weight))
        weight.uniform_(-bound, bound)

    def fill_bias(self, bias: Tensor, weight: Tensor) -> None:
        bound = 1 / sqrt(_fan_in(weight))
        bias.uniform_(-bound, bound)


class XavierUniform(Initializer):
    """``U(±√(6 / (fan_in + fan_out)))``, which keeps the variance through tanh."""

    def __call__(self, weight: Tensor) -> None:
        bound = sqrt(6 / (_fan_in(weight) + _fan_out(weight)))
        weight.uniform_(-bound, bound)


class XavierNormal(Initializer):
    """``N(0, 2 / (fan_in + fan_out))``, which keeps the variance through tanh."""

    def __call__(self, weight: Tensor) -> None:
        weight.normal_(0, sqrt(2 / (_fan_in(weight) + _fan_out(weight))))


class HeUniform(Initializer):
    """``U(±√(6 / fan_in))``, which keeps the variance through ReLU."""

    def __call__(self, weight: Tensor) -> None:
        bound = sqrt(6 / _fan_in(weight))
        weight.uniform_(-bound, bound)


class HeNormal(Initializer):
    """``N(0, 2 / fan_in)``, which keeps the variance through ReLU."""

    def __call__(self, weight: Tensor) -> None:
        weight.normal_(0, sqrt(2 / _fan_in(weight)))


@dataclass(frozen=True)
class Normal(Initializer):
    """``N(mean, std²)``, whatever the shape.

    Args:
        mean: of the distribution.
        std: its standard deviation.

    Raises:
        ConfigError: one is not finite, or ``std`` is negative.
    """

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        check_number(self, "mean", self.mean, least=-inf)
        check_number(self, "std", self.std)

    def __call__(self, weight: Tensor) -> None:
        weight.normal_(self.mean, self.std)


class Zeros(Initializer):
    """``0``: for a weight that is added to something, as all units of a layer of zeros stay equal."""

    def __call__(self, weight: Tensor) -> None:
        weight.zero_()


def _fan_in(weight: Tensor) -> int:
    """Return how many inputs each output is made of."""
    return _at_least_two_dimensions(weight)[0].numel()


def _fan_out(weight: Tensor) -> int:
    """Return how many outputs each input goes into."""
    return _at_least_two_dimensions(weight)[:, 0].numel()


def _at_least_two_dimensions(weight: Tensor) -> Tensor:
    if weight.dim() < 2:
        raise ShapeError("an initializer", weight.shape, "expected (fan_out, fan_in, ...); fill others by a function")
    return weight
