"""Random numbers of others, overwritten arguments and lost digits are named, with the line."""

import random
from typing import ClassVar

import numpy
import pytest
import torch

import corenet as cn
from corenet.testing import check_component
from corenet.testing.checks.module_effects import MODULE_EFFECTS_CHECKS

GENERATOR = numpy.random.default_rng(0)


class Cube(cn.Module):
    """``y = x³``: right, and the counterpart of what is wrong here."""

    def forward(self, input):
        self.save(input)
        return input**3

    def backward(self, grad_output):
        (input,) = self.saved()
        return self.slope(grad_output, input)

    def slope(self, dy, x):
        return 3 * x**2 * dy


class Noisy(Cube):
    """Draws half of the time, by a generator that each kind gives."""

    def forward(self, input):
        return super().forward(input) * (1 + (self.draw() > 0.5))

    def draw(self):
        return float(torch.rand(()))


class OfNumpy(Noisy):
    def draw(self):
        return numpy.random.rand()


class OfPython(Noisy):
    def draw(self):
        return random.random()


class OfItsOwn(Noisy):
    def __init__(self):
        self.generator = numpy.random.default_rng(0)

    def draw(self):
        return self.generator.random()


class OfAnOldKind(OfItsOwn):
    def __init__(self):
        self.generator = numpy.random.RandomState(0)

    def draw(self):
        return self.generator.rand()


class OfARandom(OfItsOwn):
    def __init__(self):
        self.generator = random.Random(0)


class OfItsModule(Noisy):
    def forward(self, input):
        self.save(input)
        return input**3 + GENERATOR.random()


class InBackward(Cube):
    def slope(self, dy, x):
        return super().slope(dy, x) * (1 + numpy.random.rand())


class OverwritesInput(Cube):
    def forward(self, input):
        input.clamp_(min=0)
        return super().forward(input)


class OverwritesInBackward(Cube):
    def slope(self, dy, x):
        x *= 3 * x
        return x * dy


class OverwritesUpstream(Cube):
    def slope(self, dy, x):
        dy *= 3 * x**2
        return dy


class OverwritesParameter(Cube):
    def __init__(self):
        self.weight = cn.Parameter(torch.ones(3))

    def forward(self, input):
        self.weight.mul_(0.9)
        return super().forward(input)


class SingleForward(Cube):
    def forward(self, input):
        self.save(input)
        return (input.float() ** 3).to(input.dtype)


class SingleBackward(Cube):
    def slope(self, dy, x):
        return 3 * x.to(torch.float32) ** 2 * dy


class KeepsTheSlopeByShape(Cube):
    kept: ClassVar[dict] = {}

    def slope(self, dy, x):
        return dy * self.kept.setdefault((x.shape, x.dtype), 3 * x**2)


class KeepsTheOutputByShape(Cube):
    """Backward fits what forward makes of it, so that gradients alone show nothing."""

    kept: ClassVar[dict] = {}

    def forward(self, input):
        square = self.kept.setdefault((input.shape, input.dtype), input**2)
        self.save(square)
        return square * input

    def backward(self, grad_output):
        (square,) = self.saved()
        return square * grad_output


class NeverRuns(Cube):
    def forward(self, input):
        raise RuntimeError("no")


FAULTS = [
    (NeverRuns, "runs", "RuntimeError: no"),
    (OfNumpy, "repeats", "draws from numpy's random,"),
    (OfPython, "repeats", "draws from Python's random,"),
    (OfItsOwn, "repeats", "draws from numpy's generator in self.generator,"),
    (OfAnOldKind, "repeats", "draws from numpy's generator in self.generator,"),
    (OfARandom, "repeats", "draws from the random.Random in self.generator,"),
    (OfItsModule, "repeats", "draw random numbers from torch's generator only"),
    (InBackward, "repeats", "draws from numpy's random,"),
    (OverwritesInput, "arguments_unchanged", "forward changes its input in place"),
    (OverwritesInput, "arguments_unchanged", "test_module_effects.py:86: input.clamp_(min=0)"),
    (OverwritesInBackward, "arguments_unchanged", "test_module_effects.py:92: x *= 3 * x"),
    (OverwritesUpstream, "arguments_unchanged", "test_module_effects.py:98: dy *= 3 * x**2"),
    (OverwritesParameter, "arguments_unchanged", "changes weight"),
    (KeepsTheSlopeByShape, "new_numbers", "a cache in the class, its module or a closure, by shape"),
    (KeepsTheOutputByShape, "new_numbers", "a cache in the class, its module or a closure, by shape"),
    (SingleForward, "precision", "return (input.float() ** 3).to(input.dtype)"),
    (SingleBackward, "precision", "return 3 * x.to(torch.float32) ** 2 * dy"),
]


@pytest.mark.parametrize(("cls", "check", "word"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_named(finding, cls, check, word):
    assert word in finding(cls, f"module.{check}")


def test_every_check_has_a_fault_to_find():
    assert {f"module.{check}" for _, check, _ in FAULTS} == {check.id for check in MODULE_EFFECTS_CHECKS}


@pytest.mark.parametrize("cls", [OfNumpy, OfItsOwn, InBackward, OverwritesInput, KeepsTheSlopeByShape])
def test_it_is_the_only_finding(cls):
    (failure,) = check_component(cls).failures
    assert failure.check in ("module.repeats", "module.arguments_unchanged", "module.new_numbers")


def test_their_counterpart_conforms():
    assert check_component(Cube).ok


@pytest.mark.parametrize("seed", range(4))
def test_gradcheck_names_float32_inside_where_it_shows(seed):
    class Rough(Cube):
        def slope(self, dy, x):
            return ((3 * x**2 * dy).float() + 100).to(x.dtype) - 100

    shape = (random.Random(seed).randint(2, 9), random.Random(seed + 1).randint(2, 9))
    with pytest.raises(cn.GradientError) as raised:
        cn.gradcheck(Rough(), torch.randn(shape, generator=torch.Generator().manual_seed(seed)))
    assert "float32 inside" in str(raised.value)
    assert "return ((3 * x**2 * dy).float() + 100).to(x.dtype) - 100" in str(raised.value)
