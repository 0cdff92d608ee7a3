"""JAX with the whole training in one ``lax.scan`` over epochs and batches, handed the order of the batches."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestants.jax_step import State, step
from benchmarks.jax_rules import Rule, rule_of
from benchmarks.problem import Problem


def training(state: State, orders: jax.Array, inputs: jax.Array, targets: jax.Array, size: int, rule: Rule) -> State:
    """Return the state after an epoch for each of the ``orders (epochs, n)``; n must be a multiple of ``size``."""

    def one_batch(state: State, batch: tuple[jax.Array, jax.Array]) -> tuple[State, None]:
        return step(state, *batch, rule), None

    def one_epoch(state: State, order: jax.Array) -> tuple[State, None]:
        batches = (each[order].reshape(-1, size, each.shape[1]) for each in (inputs, targets))
        return jax.lax.scan(one_batch, state, tuple(batches))

    return jax.lax.scan(one_epoch, state, orders)[0]


class Contestant:
    def __init__(self, problem: Problem) -> None:
        settings = problem.settings
        self.inputs, self.targets = jnp.asarray(problem.inputs), jnp.asarray(problem.targets)
        self.orders = jnp.asarray(problem.orders[0])
        weights = [jnp.array(array[0]) for array in problem.weights]
        self.rule, memory = rule_of(settings)
        self.state: State = weights, memory(weights)
        self.trained = jax.jit(partial(training, size=settings.batch_size, rule=self.rule), donate_argnums=0)

    def train(self, epochs: int) -> None:
        self.state = jax.block_until_ready(self.trained(self.state, self.orders[:epochs], self.inputs, self.targets))

    def weights(self) -> list[np.ndarray]:
        return [np.asarray(weight)[None] for weight in self.state[0]]
