"""A number in the code of a module itself: its class, its functions, what is around them."""

from __future__ import annotations

import enum
import functools

import numpy as np

from benchmarks.training_fuzzer.held import Descriptor, Options
from benchmarks.training_fuzzer.strange import Strange, reading

IN_CODE = {}


def setting(make):
    """Enter a kind in the table, under its name."""
    IN_CODE[make.__name__] = make
    return make


@setting
def class_attribute(use, value):
    made = reading(use, lambda self: self.scale, scale=value)
    kind = type(made.make())
    return Strange(kind, lambda new: setattr(kind, "scale", new))


@setting
def inherited(use, value):
    kind = type("Inherits", (type(class_attribute(use, value).make()),), {})
    return Strange(kind, lambda new: setattr(kind, "scale", new))


@setting
def inherited_by_object(use, value):
    base = type("Base", (), {"factor": value})
    held = type("Held", (base,), {})()
    return reading(use, lambda self: self.held.factor, held, lambda new: setattr(type(held), "factor", new))


@setting
def computed_name_of_class(use, value):
    held = type("Held", (), {"factor": value})()
    read = lambda self: getattr(self.held, self.name())  # noqa: E731
    return reading(use, read, held, lambda new: setattr(type(held), "factor", new))


@setting
def another_class(use, value):
    held = type("Held", (), {"factor": value})()
    put = lambda new: setattr(held, "__class__", type("Held", (), {"factor": new}))  # noqa: E731
    return reading(use, lambda self: self.held.factor, held, put)


@setting
def descriptor(use, value):
    held = Descriptor(value)
    return reading(use, lambda self: self.found, None, lambda new: setattr(held, "value", new), found=held)


@setting
def member(use, value):
    kind = enum.Enum("Kind", {"ONE": value})
    return reading(use, lambda self: kind.ONE.value, None, lambda new: setattr(kind.ONE, "_value_", new))


@setting
def closure(use, value):
    def put(new):
        nonlocal value
        value = new

    return reading(use, lambda self: value, None, put)


@setting
def default(use, value):
    def read(self, factor=value):
        return factor

    return reading(use, read, None, lambda new: setattr(read, "__defaults__", (new,)))


@setting
def keyword_default(use, value):
    def read(self, *, factor=value):
        return factor

    return reading(use, read, None, lambda new: read.__kwdefaults__.update(factor=new))


@setting
def partial(use, value):
    held = functools.partial(lambda factor: factor, factor=value)
    return reading(use, lambda self: self.held(), held, lambda new: held.keywords.update(factor=new))


@setting
def cached_function(use, value):
    held = [value]
    cached = functools.lru_cache(lambda: held[0])
    return reading(use, lambda self: cached(), None, lambda new: (held.__setitem__(0, new), cached.cache_clear()))


@setting
def vectorized(use, value):
    held = [value]
    function = np.vectorize(lambda one: held[0], otypes=[float])
    return reading(use, lambda self: float(function(1.0)), None, lambda new: held.__setitem__(0, new))


@setting
def cached_property(use, value):
    held = [value]
    made = functools.cached_property(lambda self: held[0])
    made.__set_name__(use, "found")

    def read(self):
        vars(self).pop("found", None)
        factor = self.found
        vars(self).pop("found", None)
        return factor

    return reading(use, read, None, lambda new: held.__setitem__(0, new), found=made)


def _on_all(use, read, change, value, **members):
    """Return modules that ``change`` changes one by one."""
    made, start = [], reading(use, read, value, **members)

    def make():
        made.append(start.make())
        return made[-1]

    return Strange(make, lambda new: [change(each, new) for each in made])


@setting
def attribute(use, value):
    return _on_all(use, lambda self: self.held, lambda module, new: setattr(module, "held", new), value)


@setting
def another_object(use, value):
    put = lambda module, new: setattr(module, "held", Options(new))  # noqa: E731
    return _on_all(use, lambda self: self.held.factor, put, Options(value))


@setting
def method(use, value):
    return _on_all(use, lambda self: 1.0, lambda module, new: setattr(module, "factor", lambda: new), value)


@setting
def method_of_class(use, value):
    put = lambda module, new: setattr(type(module), "factor", lambda self: new)  # noqa: E731
    return _on_all(use, lambda self: 1.0, put, value)


@setting
def code(use, value):
    def read(self):
        return 1.0

    codes = {0.5: (lambda self: 0.5).__code__, 1.5: (lambda self: 1.5).__code__}
    return reading(use, read, None, lambda new: setattr(read, "__code__", codes[0.5 if new < 1 else 1.5]))
