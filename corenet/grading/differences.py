"""Finite differences: a function of the submission, called in forward or backward beside the inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import torch

from corenet.contracts.module import Module
from corenet.grading.guard import running
from corenet.grading.source import Source
from corenet.grading.textbook import Point, Textbook
from corenet.grading.written import Written

NEAR = 1e-2  # of the largest element: a step of a difference is smaller, what a layer computes is seldom as near
TWICE = 2
ROUNDING = 1e-12  # of the largest element: what two ways to compute the same may differ by


class _Calls:
    """The calls of a submission's functions, and which of them were made beside the inputs of the layer."""

    def __init__(self, source: Source, bases: list[np.ndarray], forward: str) -> None:
        self.file, self.bases, self.forward_name = str(source.path), bases, forward
        self.beside = 0
        self.forwards = 0
        self.line = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_code.co_filename != self.file:
            return
        code = frame.f_code
        self.forwards += code.co_name == self.forward_name
        given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
        if any(self._is_beside(each) for value in given for each in _tensors(value)):
            self.beside += 1
            self.line = self.line or (frame.f_back.f_lineno if frame.f_back else frame.f_lineno)

    def _is_beside(self, value: np.ndarray) -> bool:
        return any(_near(value, base) for base in self.bases)


def differences_in(textbook: Textbook, written: Written, source: Source, point: Point) -> int | None:
    """Return the line at which a function is called beside the inputs, again and again; None if none is.

    A difference ``f(x + h) − f(x)`` needs a value of ``f`` at inputs that are nearly those of the layer, or that
    differ from them in one element. A formula needs none.
    """
    bases = [point.arguments[name] for name in textbook.derived if point.arguments[name].size > 1]
    calls = _Calls(source, bases, "forward" if len(written.names) == 1 else written.names[0])
    try:
        with running(), _profiled(calls):
            call = written.forward(point)
            before = calls.forwards
            call.backward(point.upstream)
    except (Exception, SystemExit):  # noqa: BLE001 - a student's code may raise anything; the checks tell of it
        return calls.line if calls.beside >= TWICE else None
    # Forward itself, at other inputs for each element: a linear map is known from these too.
    many = calls.forwards - before > 2 * len(next(iter(point.arguments.values()))) + TWICE
    return calls.line or source_line(source, written) if calls.beside >= TWICE or many else None


def source_line(source: Source, written: Written) -> int:
    """Return the line at which backward begins."""
    within = written.names[0] if len(written.names) == 1 else None
    function = source.function("backward" if within else written.names[-1], within)
    return function.lineno if function else 0


@contextmanager
def _profiled(calls: _Calls) -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(calls)
    try:
        yield
    finally:
        sys.setprofile(before)


def _tensors(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, Module):
        for _, parameter in value.named_parameters():
            yield parameter.detach().numpy()
    elif isinstance(value, torch.Tensor):
        yield value.detach().numpy()
    elif isinstance(value, np.ndarray):
        yield value


def _near(value: np.ndarray, base: np.ndarray) -> bool:
    """Tell whether an array is nearly another, and not it: by a small step, or in one element alone."""
    if value.shape != base.shape or value.dtype.kind not in "fc":
        return False
    size = np.abs(base).max()
    step = np.abs(value - base)
    moved = step > ROUNDING * size
    return bool(moved.any() and (moved.sum() == 1 or step.max() <= NEAR * size))
