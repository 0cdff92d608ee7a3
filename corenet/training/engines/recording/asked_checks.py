"""Checks of numbers that modules make in a step, asked outside of what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from corenet.contracts.module import Module
from corenet.training.engines.recording.op_log import OpLog, memory


@dataclass(frozen=True)
class AskedCheck:
    """A module that looked at the numbers of its inputs, and these."""

    module: Module
    inputs: tuple[Any, ...]

    def tensors(self) -> list[Tensor]:
        """Return the tensors that it looks at."""
        return [each for each in self.inputs if isinstance(each, Tensor)]

    def reads_only(self, memories: set[int]) -> bool:
        """Tell whether all that it looks at lies in these memories."""
        return all(memory(each) in memories for each in self.tensors())

    def ask(self) -> None:
        """Let the module look at the numbers that are there now."""
        self.module.check_values(*self.inputs)

    def ask_of(self, own: Sequence[Tensor], turn: Sequence[Tensor]) -> None:
        """Let it look at the numbers of one of many steps: ``turn`` has them in the places of the recorded ``own``."""
        places = {memory(each): other for each, other in zip(own, turn, strict=True)}
        self.module.check_values(*(_moved(each, places) if isinstance(each, Tensor) else each for each in self.inputs))


class Asked:
    """Asks each check at once, unseen by a log, and remembers it."""

    def __init__(self, log: OpLog) -> None:
        self._log = log
        self.checks: list[AskedCheck] = []

    def __call__(self, module: Module, inputs: tuple[Any, ...]) -> None:
        with self._log.suspended():
            module.check_values(*inputs)
        self.checks.append(AskedCheck(module, inputs))


def _moved(tensor: Tensor, places: dict[int, Tensor]) -> Tensor:
    """Return the same view of the tensor that stands for its memory."""
    other = places[memory(tensor)]
    return other.as_strided(tensor.shape, tensor.stride(), other.storage_offset() + tensor.storage_offset())
