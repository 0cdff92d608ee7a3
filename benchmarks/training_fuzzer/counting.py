"""Modules that count, and do another thing from some count on."""

from __future__ import annotations

import collections
import itertools
import types

import numpy as np
import torch

import corenet as cn
from benchmarks.training_fuzzer.strange import Strange, reading

COUNTING = {}
COUNT = 0


def counting(make):
    """Enter a kind in the table, under its name."""
    COUNTING[make.__name__] = make
    return make


def after(count, late):
    """Return another number once a count is past ``late``."""
    return 1.0 if count < late else 0.6


@counting
def counter(use, late):
    def read(self):
        self.count += 1
        return after(self.count, late)

    return reading(use, read, count=0)


@counting
def counter_in_namespace(use, late):
    def read(self):
        self.held.count += 1
        return after(self.held.count, late)

    return reading(use, read, types.SimpleNamespace(count=0))


@counting
def counter_of_class(use, late):
    def read(self):
        type(self).count += 1
        return after(self.count, late)

    return reading(use, read, count=0)


@counting
def counter_around(use, late):
    count = 0

    def read(self):
        nonlocal count
        count += 1
        return after(count, late)

    return reading(use, read)


@counting
def counter_of_function(use, late):
    def read(self):
        read.count += 1
        return after(read.count, late)

    read.count = 0
    return reading(use, read)


@counting
def counter_global(use, late):
    global COUNT
    COUNT = 0

    def read(self):
        global COUNT
        COUNT += 1
        return after(COUNT, late)

    return reading(use, read)


@counting
def counter_in_list(use, late):
    def read(self):
        self.held.append(None)
        return after(len(self.held), late)

    return reading(use, read, [])


@counting
def counter_in_array(use, late):
    def read(self):
        self.held += 1
        return after(float(self.held[0]), late)

    return reading(use, read, np.zeros(1))


@counting
def counter_in_default(use, late):
    def read(self, counts=[0]):  # noqa: B006 - it is what is tried
        counts[0] += 1
        return after(counts[0], late)

    return reading(use, read)


@counting
def counter_of_python(use, late):
    return reading(use, lambda self: after(next(self.held), late), itertools.count())


@counting
def counter_in_for(use, late):
    def read(self):
        count = 0
        for count in self.held:  # noqa: B007 - it asks for one
            break
        return after(count, late)

    return reading(use, read, itertools.count())


@counting
def counter_subclass(use, late):
    def read(self):
        count = 0
        for count in self.held:  # noqa: B007 - it asks for one
            break
        return after(count, late)

    return reading(use, read, type("Counts", (itertools.count,), {})())


@counting
def counter_in_generator(use, late):
    return reading(use, lambda self: after(self.held.send(None), late), (each for each in itertools.count()))


@counting
def counter_in_cycle(use, late):
    cycle = itertools.cycle([1.0] * late + [0.6])
    return reading(use, lambda self: dict(zip("a", cycle, strict=False))["a"])


@counting
def counter_in_helper(use, late):
    class Helper:
        made = 0

        def __init__(self):
            Helper.made += 1

    def read(self):
        Helper()
        return after(Helper.made, late)

    return reading(use, read)


@counting
def counter_in_destructor(use, late):
    class Helper:
        died = 0

        def __del__(self):
            Helper.died += 1

    def read(self):
        Helper()
        return after(Helper.died, late)

    return reading(use, read)


@counting
def counter_in_setter(use, late):
    held = [0]

    def put(self, value):
        held[0] += 1

    def read(self):
        self.found = 1
        return after(held[0], late)

    return reading(use, read, found=property(lambda self: 1, put))


@counting
def counter_in_tensor(use, late):
    def read(self):
        self.held.add_(1)
        return torch.where(self.held < late, 1.0, 0.6)

    return reading(use, read, torch.zeros(1))


@counting
def counter_in_nested_tensor(use, late):
    def read(self):
        self.held.count.add_(1)
        return torch.where(self.held.count < late, 1.0, 0.6)

    return reading(use, read, types.SimpleNamespace(count=torch.zeros(1)))


@counting
def counter_in_buffer(use, late):
    class Counts(use):
        def __init__(self):
            self.count = cn.Buffer(torch.zeros(1))

        def factor(self):
            self.count += 1
            return torch.where(self.count < late, 1.0, 0.6)

    return Strange(Counts)


@counting
def counter_of_shapes(use, late):
    def read(self):
        self.held["a"] += 1
        return after(self.held["a"], late)

    return reading(use, read, collections.Counter())
