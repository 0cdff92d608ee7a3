"""The rules of SGD and Adam in jax.numpy, as PyTorch has them: functions of weights, gradients and a memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.problem import Settings

Arrays = list[jax.Array]
Rule = Callable[[Arrays, Arrays, Any], tuple[Arrays, Any]]  # (weights, gradients, memory) -> (weights, memory)


def rule_of(settings: Settings) -> tuple[Rule, Callable[[Arrays], Any]]:
    """Return the rule that ``settings`` ask for, and what makes its first memory of the weights."""
    if settings.optimizer == "adam":
        return partial(adam, lr=settings.lr), start_of_adam
    return partial(sgd, lr=settings.lr, momentum=settings.momentum), zeros


def zeros(weights: Arrays) -> Arrays:
    return [jnp.zeros_like(weight) for weight in weights]


def sgd(weights: Arrays, gradients: Arrays, velocities: Arrays, lr: float, momentum: float) -> tuple[Arrays, Arrays]:
    velocities = [momentum * velocity + gradient for velocity, gradient in zip(velocities, gradients, strict=True)]
    return [weight - lr * velocity for weight, velocity in zip(weights, velocities, strict=True)], velocities


def start_of_adam(weights: Arrays) -> tuple[Arrays, Arrays, jax.Array]:
    return zeros(weights), zeros(weights), jnp.zeros((), jnp.int32)


def adam(
    weights: Arrays,
    gradients: Arrays,
    memory: tuple[Arrays, Arrays, jax.Array],
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Arrays, Any]:
    means, squares, steps = memory
    steps = steps + 1
    bias1, bias2 = (-jnp.expm1(steps * jnp.log(beta)) for beta in (beta1, beta2))  # 1 − βᵗ, which is small at first
    means = [beta1 * mean + (1 - beta1) * gradient for mean, gradient in zip(means, gradients, strict=True)]
    squares = [beta2 * square + (1 - beta2) * gradient**2 for square, gradient in zip(squares, gradients, strict=True)]
    weights = [
        weight - lr * (mean / bias1) / (jnp.sqrt(square / bias2) + eps)
        for weight, mean, square in zip(weights, means, squares, strict=True)
    ]
    return weights, (means, squares, steps)
