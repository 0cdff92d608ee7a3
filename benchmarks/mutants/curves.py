"""Right functions of each element."""

from __future__ import annotations

import math

import torch

import corenet as cn

ROOT_TWO_PI = math.sqrt(2 * math.pi)


class Curve(cn.Module):
    """``y = f(x)`` and ``dx = dy · f′(x)``."""

    domain: tuple[float, float] = (-2.0, 2.0)
    kinks: tuple[float, ...] = ()

    @classmethod
    def conformance_cases(cls):
        return [cn.Case(shape=shape, domain=cls.domain, kinks=cls.kinks) for shape in ((5, 3), (2, 2, 3))]

    def forward(self, input):
        self.save(input)
        return self.value(input)

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output * self.slope(input)


class Sine(Curve):
    def value(self, x):
        return torch.sin(x)

    def slope(self, x):
        return torch.cos(x)


class DampedSine(Curve):
    def value(self, x):
        return torch.exp(-x) * torch.sin(3 * x)

    def slope(self, x):
        return torch.exp(-x) * (3 * torch.cos(3 * x) - torch.sin(3 * x))


class Snake(Curve):
    def value(self, x):
        return x + torch.sin(x) ** 2

    def slope(self, x):
        return 1 + 2 * torch.sin(x) * torch.cos(x)


class Cubic(Curve):
    def value(self, x):
        return x**3 - 2 * x**2 + x

    def slope(self, x):
        return 3 * x**2 - 4 * x + 1


class Inverse(Curve):
    domain = (0.5, 3.0)

    def value(self, x):
        return 1 / x

    def slope(self, x):
        return -1 / x**2


class Root(Curve):
    domain = (0.2, 3.0)

    def value(self, x):
        return torch.sqrt(x)

    def slope(self, x):
        return 0.5 / torch.sqrt(x)


class Logarithm(Curve):
    domain = (0.2, 3.0)

    def value(self, x):
        return torch.log(x)

    def slope(self, x):
        return 1 / x


class Entropy(Curve):
    domain = (0.1, 0.9)

    def value(self, x):
        return -x * torch.log(x) - (1 - x) * torch.log(1 - x)

    def slope(self, x):
        return torch.log(1 - x) - torch.log(x)


class Logit(Curve):
    domain = (0.1, 0.9)

    def value(self, x):
        return torch.log(x / (1 - x))

    def slope(self, x):
        return 1 / (x * (1 - x))


class Gauss(Curve):
    def value(self, x):
        return torch.exp(-(x**2) / 2) / ROOT_TWO_PI

    def slope(self, x):
        return -x * torch.exp(-(x**2) / 2) / ROOT_TWO_PI


class Gelu(Curve):
    def value(self, x):
        return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))

    def slope(self, x):
        below = 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        return below + x * torch.exp(-(x**2) / 2) / ROOT_TWO_PI


class Swish(Curve):
    def value(self, x):
        return x * torch.sigmoid(x)

    def slope(self, x):
        gate = torch.sigmoid(x)
        return gate + x * gate * (1 - gate)


class Mish(Curve):
    def value(self, x):
        return x * torch.tanh(torch.log1p(torch.exp(x)))

    def slope(self, x):
        inner = torch.tanh(torch.log1p(torch.exp(x)))
        return inner + x * (1 - inner**2) * torch.sigmoid(x)


class Softsign(Curve):
    def value(self, x):
        return x / (1 + x.abs())

    def slope(self, x):
        return 1 / (1 + x.abs()) ** 2


class Softplus(Curve):
    def value(self, x):
        return torch.log1p(torch.exp(-x.abs())) + x.clamp(min=0)

    def slope(self, x):
        return torch.sigmoid(x)


class LogCosh(Curve):
    def value(self, x):
        return torch.log(torch.cosh(x))

    def slope(self, x):
        return torch.tanh(x)


class Elu(Curve):
    kinks = (0.0,)

    def value(self, x):
        return torch.where(x > 0, x, torch.exp(x) - 1)

    def slope(self, x):
        return torch.where(x > 0, torch.ones_like(x), torch.exp(x))


class Selu(Curve):
    kinks = (0.0,)

    def value(self, x):
        return 1.0507 * torch.where(x > 0, x, 1.6733 * (torch.exp(x) - 1))

    def slope(self, x):
        return 1.0507 * torch.where(x > 0, torch.ones_like(x), 1.6733 * torch.exp(x))


class Leaky(Curve):
    kinks = (0.0,)

    def value(self, x):
        return torch.where(x > 0, x, 0.1 * x)

    def slope(self, x):
        return torch.where(x > 0, 1.0, 0.1).to(x.dtype)


class HardTanh(Curve):
    kinks = (-1.0, 1.0)

    def value(self, x):
        return x.clamp(-1, 1)

    def slope(self, x):
        return ((x > -1) & (x < 1)).to(x.dtype)


class HardSwish(Curve):
    domain = (-5.0, 5.0)
    kinks = (-3.0, 3.0)

    def value(self, x):
        return x * (x + 3).clamp(0, 6) / 6

    def slope(self, x):
        return torch.where(x > 3, 1, torch.where(x < -3, 0, (2 * x + 3) / 6)).to(x.dtype)


class Huber(Curve):
    kinks = (-1.0, 1.0)

    def value(self, x):
        return torch.where(x.abs() < 1, x**2 / 2, x.abs() - 0.5)

    def slope(self, x):
        return torch.where(x.abs() < 1, x, x.sign())


class Shrink(Curve):
    kinks = (-0.5, 0.5)

    def value(self, x):
        return x.sign() * (x.abs() - 0.5).clamp(min=0)

    def slope(self, x):
        return (x.abs() > 0.5).to(x.dtype)


class Lorentz(Curve):
    def value(self, x):
        return 1 / (1 + x**2)

    def slope(self, x):
        return -2 * x / (1 + x**2) ** 2


class Arctangent(Curve):
    def value(self, x):
        return torch.atan(x)

    def slope(self, x):
        return 1 / (1 + x**2)


class Asinh(Curve):
    def value(self, x):
        return torch.asinh(x)

    def slope(self, x):
        return 1 / torch.sqrt(1 + x**2)


class Sinc(Curve):
    domain = (0.5, 4.0)

    def value(self, x):
        return torch.sin(x) / x

    def slope(self, x):
        return (x * torch.cos(x) - torch.sin(x)) / x**2


class Quartic(Curve):
    def value(self, x):
        return (x**2 - 1) ** 2

    def slope(self, x):
        return 4 * x * (x**2 - 1)


class Rational(Curve):
    def value(self, x):
        return (x**2 + 1) / (x**2 + 2)

    def slope(self, x):
        return 2 * x / (x**2 + 2) ** 2


class Gompertz(Curve):
    def value(self, x):
        return torch.exp(-torch.exp(-x))

    def slope(self, x):
        return torch.exp(-x) * torch.exp(-torch.exp(-x))


class Exponential(Curve):
    def value(self, x):
        return torch.exp(x) - 1

    def slope(self, x):
        return torch.exp(x)


class ErrorFunction(Curve):
    def value(self, x):
        return torch.erf(x)

    def slope(self, x):
        return 4 * torch.exp(-(x**2)) / (math.sqrt(2) * ROOT_TWO_PI)


class Tangent(Curve):
    domain = (-1.2, 1.2)

    def value(self, x):
        return torch.tan(x)

    def slope(self, x):
        return 1 + torch.tan(x) ** 2


class SquaredRelu(Curve):
    kinks = (0.0,)

    def value(self, x):
        return x.clamp(min=0) ** 2

    def slope(self, x):
        return 2 * x.clamp(min=0)


class Capped(Curve):
    domain = (-2.0, 8.0)
    kinks = (0.0, 6.0)

    def value(self, x):
        return x.clamp(0, 6)

    def slope(self, x):
        return ((x > 0) & (x < 6)).to(x.dtype)


class Bump(Curve):
    """``1 − x²`` between −1 and 1, nothing outside."""

    kinks = (-1.0, 1.0)

    def value(self, x):
        return (1 - x**2).clamp(min=0)

    def slope(self, x):
        return torch.where(x.abs() < 1, -2 * x, 0.0)


class PowerLaw(Curve):
    domain = (0.2, 3.0)

    def value(self, x):
        return x**1.7

    def slope(self, x):
        return 1.7 * x**0.7


class SelfPower(Curve):
    domain = (0.2, 2.0)

    def value(self, x):
        return x**x

    def slope(self, x):
        return x**x * (torch.log(x) + 1)


class Wave(Curve):
    def value(self, x):
        return x * torch.cos(2 * x)

    def slope(self, x):
        return torch.cos(2 * x) - 2 * x * torch.sin(2 * x)


class Hyperbolic(Curve):
    def value(self, x):
        return torch.sinh(x) * torch.cosh(x)

    def slope(self, x):
        return torch.sinh(x) ** 2 + torch.cosh(x) ** 2
