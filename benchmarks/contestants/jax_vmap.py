"""JAX with ``vmap`` over whole trainings, each one ``lax.scan``, handed the order of the batches."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestants.jax_scan import training
from benchmarks.jax_rules import rule_of
from benchmarks.problem import Problem


class Contestant:
    def __init__(self, problem: Problem) -> None:
        settings = problem.settings
        self.rounds = settings.rounds
        self.inputs, self.targets = jnp.asarray(problem.inputs), jnp.asarray(problem.targets)
        self.orders = jnp.asarray(problem.orders)
        self.first = [jnp.array(array) for array in problem.weights]
        rule, self.memory = rule_of(settings)
        one = partial(training, size=settings.batch_size, rule=rule)
        self.trained = jax.jit(jax.vmap(one, in_axes=(0, 0, None, None)))

    def train(self, epochs: int) -> dict[str, int]:
        state = self.first, jax.vmap(self.memory)(self.first)
        orders = self.orders[:, :epochs]
        self.state = jax.block_until_ready(self.trained(state, orders, self.inputs, self.targets))
        return {"rounds": self.rounds}

    def weights(self) -> list[np.ndarray]:
        return [np.asarray(weight) for weight in self.state[0]]
