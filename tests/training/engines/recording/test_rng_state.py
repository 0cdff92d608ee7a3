"""Where generators stand, and how they are put back there."""

import random

import numpy
import torch

from corenet.training.engines.recording.rng_state import python_rng_checkpoint, rng_checkpoint, rng_states


def test_torch_s_generator_is_put_back():
    rewind = rng_checkpoint()
    drawn = [torch.rand(2), torch.randperm(5)]
    rewind()
    assert torch.equal(torch.rand(2), drawn[0])
    assert torch.equal(torch.randperm(5), drawn[1])


def test_the_states_are_copies():
    before = rng_states()
    torch.rand(1)
    assert not torch.equal(before[0], rng_states()[0])


def test_the_generators_of_python_and_numpy_are_put_back_with_what_they_hold_ready():
    random.gauss(0, 1), numpy.random.randn()  # each draws two numbers, and keeps one
    rewind = python_rng_checkpoint()
    drawn = [random.gauss(0, 1), random.random(), numpy.random.randn(), numpy.random.rand()]
    rewind()
    assert drawn == [random.gauss(0, 1), random.random(), numpy.random.randn(), numpy.random.rand()]
