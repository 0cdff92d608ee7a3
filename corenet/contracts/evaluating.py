"""A model in evaluation mode for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from corenet.contracts.module import Module


@contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Put ``module`` in evaluation mode, and afterwards every module of it back in the mode that it had."""
    modes = [(each, each.training, each._saves_frozen) for _, each in module.named_modules()]
    if any(training or saves for _, training, saves in modes):  # else it is in evaluation mode already
        module.eval()
    try:
        yield
    finally:
        for each, training, saves in modes:
            if each.training is not training:
                each.training = training
            if each._saves_frozen is not saves:
                each._saves_frozen = saves
