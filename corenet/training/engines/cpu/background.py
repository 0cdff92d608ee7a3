"""Compiling beside a training, which replays kernels until the compiler is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import CDLL

from torch import Tensor

from corenet.training.engines.cpu import cc
from corenet.training.engines.cpu.engine import CFunctions
from corenet.training.engines.engine import Running
from corenet.training.engines.recording.lowering import Call, lower
from corenet.training.engines.recording.op_log import Operation
from corenet.training.engines.unsupported import NotYet


class BackgroundFunctions(CFunctions):
    """The lowering to functions of C where they are at hand, and to kernels while the compiler is at work."""

    def __init__(self) -> None:
        super().__init__()
        self._is_over: Callable[[], bool] | None = None

    @property
    def running(self) -> Running:
        """The name of what the calls are, until the compiler is done and after."""
        return "compiled" if self._is_over is None else "replay"

    def __call__(
        self, operations: Sequence[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]
    ) -> list[Call]:
        """Return functions of C if they are at hand, else kernels."""
        try:
            return super().__call__(operations, gradients, kept)
        except NotYet as wait:
            self._is_over = wait.is_over
            return lower(operations, gradients, kept)

    def library(self, source: str) -> CDLL:
        """Return a compiled source, as its base does.

        Raises:
            NotYet: the compiler has just begun, or is still at work.
        """
        is_over = cc.begin(source)
        if not is_over():
            raise NotYet(is_over)
        return super().library(source)

    def improved(self) -> bool:
        """Tell, once, that the compiler is done."""
        if self._is_over is None or not self._is_over():
            return False
        self._is_over = None
        return True
