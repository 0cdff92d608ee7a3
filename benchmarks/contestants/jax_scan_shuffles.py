"""JAX with the whole training in one ``lax.scan``, which shuffles the points itself, as corenet and a user's JAX do."""

from __future__ import annotations

from functools import partial

import jax

from benchmarks.contestants import jax_scan
from benchmarks.contestants.jax_step import State
from benchmarks.problem import Problem


class Contestant(jax_scan.Contestant):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.key = jax.random.key(0)
        settings = problem.settings

        @partial(jax.jit, static_argnames="epochs", donate_argnums=0)
        def shuffled(state: State, key: jax.Array, inputs: jax.Array, targets: jax.Array, epochs: int) -> State:
            keys = jax.random.split(key, epochs)
            orders = jax.lax.map(lambda each: jax.random.permutation(each, settings.points), keys)
            return jax_scan.training(state, orders, inputs, targets, settings.batch_size, self.rule)

        self.shuffled = shuffled

    def check(self, epochs: int) -> None:
        super().train(epochs)

    def train(self, epochs: int) -> dict[str, bool]:
        self.key, key = jax.random.split(self.key)
        self.state = jax.block_until_ready(self.shuffled(self.state, key, self.inputs, self.targets, epochs))
        return {"own_order": True}
