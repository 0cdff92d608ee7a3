"""Right functions of each element, and their derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

import corenet as cn
from benchmarks.gradcheck_survey.subject import WIDE, Subject

Curve = Callable[[Tensor], Tensor]
EXP = (-600.0, 600.0)
EXACT = (-1e8, 1e8)  # beyond, the argument of a periodic function has no digits left for a step


class Pointwise(cn.Module):
    """``y = f(x)`` and ``dx = dy · f′(x)``."""

    def __init__(self, function: Curve, slope: Curve) -> None:
        self.function, self.slope = function, slope

    def forward(self, input):
        self.save(input)
        return self.function(input)

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output * self.slope(input)


def below(x: Tensor) -> Tensor:
    """Return the normal distribution function."""
    return 0.5 * torch.special.erfc(-x / math.sqrt(2))


def bell(x: Tensor) -> Tensor:
    """Return the normal density."""
    return torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def step(x: Tensor) -> Tensor:
    return (x > 0).to(x.dtype)


def inside(x: Tensor, low: float, high: float) -> Tensor:
    return ((x > low) & (x < high)).to(x.dtype)


def softplus(x: Tensor) -> Tensor:
    return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))


def sech2(x: Tensor) -> Tensor:
    """Return ``1 − tanh²``, with all its digits."""
    return 1 / torch.cosh(x.clamp(-300, 300)) ** 2


def mish_slope(x: Tensor) -> Tensor:
    inner = softplus(x)
    return torch.tanh(inner) + x * sech2(inner) * torch.sigmoid(x)


def hardswish_slope(x: Tensor) -> Tensor:
    return torch.where(x > 3, 1.0, (2 * x + 3) / 6 * inside(x, -3, 3)).to(x.dtype)


def silu_slope(x: Tensor) -> Tensor:
    gate = torch.sigmoid(x)
    return gate + x * gate * torch.sigmoid(-x)


POINTWISE: dict[str, tuple[Curve, Curve, tuple[float, float], tuple[float, ...]]] = {
    "sin": (torch.sin, torch.cos, EXACT, (0.0, math.pi / 2)),
    "cos": (torch.cos, lambda x: -torch.sin(x), EXACT, (0.0,)),
    "tan": (torch.tan, lambda x: 1 / torch.cos(x) ** 2, (-1.5, 1.5), (0.0, 1.5)),
    "exp": (torch.exp, torch.exp, EXP, (0.0,)),
    "expm1": (torch.expm1, torch.exp, EXP, (0.0,)),
    "exp of 3x": (lambda x: torch.exp(3 * x), lambda x: 3 * torch.exp(3 * x), (-200.0, 200.0), (0.0,)),
    "log": (torch.log, lambda x: 1 / x, (1e-300, 1e12), (0.0, 1.0)),
    "log1p": (torch.log1p, lambda x: 1 / (1 + x), (-1 + 1e-12, 1e12), (0.0, -1.0)),
    "sqrt": (torch.sqrt, lambda x: 0.5 / torch.sqrt(x), (1e-300, 1e12), (0.0,)),
    "rsqrt": (torch.rsqrt, lambda x: -0.5 * x**-1.5, (1e-150, 1e12), (0.0,)),
    "cube root": (
        lambda x: x.sign() * x.abs() ** (1 / 3),
        lambda x: x.abs() ** (-2 / 3) / 3,
        (1e-100, 1e12),
        (0.0,),
    ),
    "reciprocal": (torch.reciprocal, lambda x: -1 / x**2, (1e-100, 1e12), (0.0,)),
    "square": (torch.square, lambda x: 2 * x, WIDE, (0.0,)),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, WIDE, (0.0,)),
    "fifth power": (lambda x: x**5, lambda x: 5 * x**4, WIDE, (0.0,)),
    "1e-9 x²": (lambda x: 1e-9 * x * x, lambda x: 2e-9 * x, WIDE, (0.0,)),
    "x + 1e6": (lambda x: x + 1e6, torch.ones_like, WIDE, (0.0,)),
    "tanh": (torch.tanh, sech2, WIDE, (0.0, 19.0)),
    "sigmoid": (torch.sigmoid, lambda x: torch.sigmoid(x) * torch.sigmoid(-x), WIDE, (0.0, 37.0)),
    "log-sigmoid": (lambda x: -softplus(-x), lambda x: torch.sigmoid(-x), WIDE, (0.0, 37.0)),
    "softplus": (softplus, torch.sigmoid, WIDE, (0.0, -37.0)),
    "silu": (lambda x: x * torch.sigmoid(x), silu_slope, WIDE, (0.0,)),
    "gelu": (lambda x: x * below(x), lambda x: below(x) + x * bell(x), WIDE, (0.0, -5.0)),
    "mish": (lambda x: x * torch.tanh(softplus(x)), mish_slope, WIDE, (0.0,)),
    "elu": (
        lambda x: torch.where(x > 0, x, torch.expm1(x)),
        lambda x: torch.where(x > 0, 1, torch.exp(x)),
        WIDE,
        (0.0,),
    ),
    "leaky relu": (
        lambda x: torch.where(x > 0, x, 0.01 * x),
        lambda x: torch.where(x > 0, 1.0, 0.01).to(x.dtype),
        WIDE,
        (0.0,),
    ),
    "relu6": (lambda x: x.clamp(0, 6), lambda x: inside(x, 0, 6), WIDE, (0.0, 6.0)),
    "hard tanh": (lambda x: x.clamp(-1, 1), lambda x: inside(x, -1, 1), WIDE, (-1.0, 1.0)),
    "hard sigmoid": (lambda x: (x / 6 + 0.5).clamp(0, 1), lambda x: inside(x, -3, 3) / 6, WIDE, (-3.0, 3.0)),
    "hard swish": (lambda x: x * (x + 3).clamp(0, 6) / 6, hardswish_slope, WIDE, (-3.0, 3.0)),
    "softsign": (lambda x: x / (1 + x.abs()), lambda x: 1 / (1 + x.abs()) ** 2, WIDE, (0.0,)),
    "soft shrink": (
        lambda x: x.sign() * (x.abs() - 0.5).clamp(min=0),
        lambda x: (x.abs() > 0.5).to(x.dtype),
        WIDE,
        (0.5, -0.5),
    ),
    "hard shrink": (
        lambda x: torch.where(x.abs() > 0.5, x, 0.0),
        lambda x: (x.abs() > 0.5).to(x.dtype),
        WIDE,
        (0.5, -0.5),
    ),
    "abs": (torch.abs, torch.sign, WIDE, (0.0,)),
    "x |x|": (lambda x: x * x.abs(), lambda x: 2 * x.abs(), WIDE, (0.0,)),
    "huber": (
        lambda x: torch.where(x.abs() < 1, x**2 / 2, x.abs() - 0.5),
        lambda x: x.clamp(-1, 1),
        WIDE,
        (1.0, -1.0, 0.0),
    ),
    "asin": (torch.asin, lambda x: 1 / ((1 - x) * (1 + x)).sqrt(), (-1 + 1e-12, 1 - 1e-12), (1.0, -1.0, 0.0)),
    "acos": (torch.acos, lambda x: -1 / ((1 - x) * (1 + x)).sqrt(), (-1 + 1e-12, 1 - 1e-12), (1.0, -1.0)),
    "atan": (torch.atan, lambda x: 1 / (1 + x**2), WIDE, (0.0,)),
    "sinh": (torch.sinh, torch.cosh, EXP, (0.0,)),
    "asinh": (torch.asinh, lambda x: 1 / torch.hypot(x, torch.ones_like(x)), WIDE, (0.0,)),
    "acosh": (torch.acosh, lambda x: 1 / ((x - 1) * (x + 1)).sqrt(), (1 + 1e-10, 1e12), (1.0,)),
    "atanh": (torch.atanh, lambda x: 1 / ((1 - x) * (1 + x)), (-1 + 1e-12, 1 - 1e-12), (1.0, -1.0)),
    "erf": (torch.erf, lambda x: 2 / math.sqrt(math.pi) * torch.exp(-(x**2)), WIDE, (0.0, 5.0)),
    "logit": (torch.logit, lambda x: 1 / (x * (1 - x)), (1e-300, 1 - 1e-12), (0.0, 1.0)),
    "x log x": (lambda x: x * x.log(), lambda x: x.log() + 1, (1e-300, 1e12), (0.0, 1 / math.e)),
    "bump": (lambda x: torch.exp(-(x**2)), lambda x: -2 * x * torch.exp(-(x**2)), WIDE, (0.0, 5.0)),
    "relu²": (lambda x: x.relu() ** 2, lambda x: 2 * x.relu(), WIDE, (0.0,)),
    "(x + 1e4) − 1e4": (lambda x: (x + 1e4) - 1e4, torch.ones_like, (-1e6, 1e6), (0.0,)),
}

SUBJECTS = {
    name: Subject(lambda _, f=f, slope=slope: Pointwise(f, slope), domain, edges)  # type: ignore[misc]
    for name, (f, slope, domain, edges) in POINTWISE.items()
}
