"""Checks of numbers that modules and inner losses make in a step, asked outside of what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.several import each_of, mapped
from corenet.training.engines.recording.op_log import OpLog, memory


@dataclass(frozen=True)
class AskedCheck:
    """A module or a loss that looked at the numbers of its inputs, and these."""

    module: Module | Loss
    inputs: tuple[Any, ...]

    def tensors(self) -> list[Tensor]:
        """Return the tensors that it looks at."""
        return [each for value in self.inputs for each in each_of(value) if isinstance(each, Tensor)]

    def reads_only(self, memories: set[int]) -> bool:
        """Tell whether all that it looks at lies in these memories."""
        return all(memory(each) in memories for each in self.tensors())

    def ask(self) -> None:
        """Let it look at the numbers that are there now."""
        self.module.check_values(*self.inputs)

    def ask_of(self, own: Sequence[Tensor], turn: Sequence[Tensor]) -> None:
        """Let it look at the numbers of one of many steps: ``turn`` has them in the places of the recorded ``own``."""
        places = {memory(each): other for each, other in zip(own, turn, strict=True)}
        self.module.check_values(*(mapped(lambda each: _moved(each, places), value) for value in self.inputs))


class Asked:
    """Asks each check at once, unseen by a log, and remembers it."""

    def __init__(self, log: OpLog) -> None:
        self._log = log
        self.checks: list[AskedCheck] = []

    def __call__(self, module: Module | Loss, inputs: tuple[Any, ...]) -> None:
        with self._log.suspended():
            module.check_values(*inputs)
        self.checks.append(AskedCheck(module, inputs))


def _moved(value: Any, places: dict[int, Tensor]) -> Any:
    """Return the same view of the tensor that stands for a tensor's memory; anything else stays."""
    if not isinstance(value, Tensor):
        return value
    other = places[memory(value)]
    return other.as_strided(value.shape, value.stride(), other.storage_offset() + value.storage_offset())
