"""JAX with one jitted step, called for each batch; the batch is sliced inside."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.jax_rules import Rule, rule_of
from benchmarks.problem import Problem

State = Any  # (weights, what the rule remembers); weights is a list of arrays: weight, bias, weight, bias, ...


def loss(weights: list[jax.Array], input: jax.Array, target: jax.Array) -> jax.Array:
    *hidden, last = zip(weights[::2], weights[1::2], strict=True)
    for weight, bias in hidden:
        input = jax.nn.relu(input @ weight.T + bias)
    return jnp.mean((input @ last[0].T + last[1] - target) ** 2)


def step(state: State, input: jax.Array, target: jax.Array, rule: Rule) -> State:
    weights, memory = state
    return rule(weights, jax.grad(loss)(weights, input, target), memory)


@partial(jax.jit, static_argnames=("size", "rule"), donate_argnums=0)
def sliced_step(state: State, inputs: jax.Array, targets: jax.Array, start: int, size: int, rule: Rule) -> State:
    input, target = (jax.lax.dynamic_slice_in_dim(each, start, size) for each in (inputs, targets))
    return step(state, input, target, rule)


@jax.jit
def reordered(order: jax.Array, inputs: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    return inputs[order], targets[order]


class Contestant:
    def __init__(self, problem: Problem) -> None:
        self.settings = problem.settings
        self.inputs, self.targets = jnp.asarray(problem.inputs), jnp.asarray(problem.targets)
        self.orders = [jnp.asarray(order) for order in problem.orders[0]]
        weights = [jnp.array(array[0]) for array in problem.weights]
        self.rule, memory = rule_of(problem.settings)
        self.state: State = weights, memory(weights)

    def train(self, epochs: int) -> None:
        settings, state = self.settings, self.state
        for order in self.orders[:epochs]:
            inputs, targets = reordered(order, self.inputs, self.targets)
            for start in range(0, settings.points, settings.batch_size):
                size = min(settings.batch_size, settings.points - start)
                state = sliced_step(state, inputs, targets, start, size, self.rule)
        self.state = jax.block_until_ready(state)

    def weights(self) -> list[np.ndarray]:
        return [np.asarray(weight)[None] for weight in self.state[0]]
