"""Generators of random numbers that no seed of torch's governs, and whether a component draws from them."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Callable

from corenet.contracts.module import Module


def other_generators(module: Module, computation: Callable[[], object]) -> list[str]:
    """Return the names of the generators, other than torch's, that ``computation`` draws from.

    >>> import corenet as cn
    >>> other_generators(cn.Tanh(), lambda: random.random())
    ["Python's random"]
    """
    before = _states(module)
    computation()
    after = _states(module)
    return [name for name, state in before.items() if after.get(name) != state]


def _states(module: Module) -> dict[str, bytes]:
    found: dict[str, object] = {"Python's random": random.getstate()}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        found["numpy's random"] = numpy.random.get_state()
    for path, each in module.named_modules():
        for name, value in vars(each).items():
            where = ".".join(filter(None, ("self", path, name)))
            if isinstance(value, random.Random):
                found[f"the random.Random in {where}"] = value.getstate()
            elif numpy is not None and isinstance(value, numpy.random.Generator):
                found[f"numpy's generator in {where}"] = value.bit_generator.state
            elif numpy is not None and isinstance(value, numpy.random.RandomState):
                found[f"numpy's generator in {where}"] = value.get_state()
    return {name: pickle.dumps(state) for name, state in found.items()}
