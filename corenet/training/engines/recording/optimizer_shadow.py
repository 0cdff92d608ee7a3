"""A shadow of an optimizer, over copies of its tensors: its rule can be tried there without a trace."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.optimizer_adapter import tensors_of
from corenet.training.engines.recording.op_log import Operation, OpLog, memory
from corenet.training.engines.unsupported import NotRecordable, is_of_ours

Comparison = Callable[[int], bool]
AS_FACTOR = "use it as a factor of tensors alone, as in param.sub_(grad, alpha=self.current_lr)"
WRITTEN_IN_PLACE = "keep it in a tensor of the state, which init_state makes, and write that in place"
_Slot = tuple[Tensor, Tensor, dict[str, Tensor]]


class Shadow:
    """An optimizer of the same rule that sees ``rate``, and whose comparisons of the count of steps are noted."""

    def __init__(self, optimizer: Optimizer, rate: float, comparisons: list[Comparison]) -> None:
        own, steps = type(optimizer), _Steps(optimizer.steps, comparisons)
        seen = {
            "current_lr": property(lambda _: _Rate(rate)),
            "_lr": property(_refuse_lr),  # which lr reads
            "steps": property(lambda _: steps),
        }
        self._optimizer: Optimizer = object.__new__(type(own.__name__, (own,), seen))
        kept = {name: value for name, value in vars(optimizer).items() if name not in ("_lr", "steps", "_layout")}
        self._optimizer.__dict__.update(kept)
        self._slots = optimizer.layout.slots
        self._originals = {memory(each): each.untyped_storage() for each in tensors_of(optimizer)}
        self._copies = {own: storage.clone() for own, storage in self._originals.items()}

    def logged(self) -> list[Operation]:
        """Return what the rule does to the tensors of the optimizer; it is done to the copies.

        Raises:
            NotRecordable: the rule cannot be done again from a log.
        """
        slots: list[_Slot] = [
            (self._copy(slot.flat.param), self._copy(slot.flat.grad), self._copies_of(slot.state))
            for slot in self._slots
        ]
        kept, states, places = dict(vars(self._optimizer)), [dict(state) for _, _, state in slots], _places(slots)
        with OpLog() as log:
            for slot in slots:
                self._update(*slot)
        after = [vars(self._optimizer), *(state for _, _, state in slots)]
        if not all(map(_same, [kept, *states], after)) or _places(slots) != places:
            raise NotRecordable("update() creates new state in each step", WRITTEN_IN_PLACE)
        return [self._of_originals(each) for each in log.checked()]

    def _copies_of(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: self._copy(value) for name, value in state.items()}

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        try:
            self._optimizer.update(param, grad, state)
        except NotRecordable:
            raise
        except Exception as error:
            if is_of_ours(error):
                raise
            raise NotRecordable(f"the rule raised {type(error).__name__} when it was tried: {error}") from error

    def _copy(self, tensor: Tensor) -> Tensor:
        return _seen_in(self._copies[memory(tensor)], tensor)

    def _of_originals(self, operation: Operation) -> Operation:
        """Return an operation on the copies as one on the tensors themselves."""
        places = {copy.data_ptr(): self._originals[own] for own, copy in self._copies.items()}

        def original(value: Any) -> Any:
            if isinstance(value, Tensor) and memory(value) in places:
                return _seen_in(places[memory(value)], value)
            return type(value)(map(original, value)) if type(value) in (list, tuple) else value

        return replace(
            operation,
            arguments=original(operation.arguments),
            keywords={name: original(value) for name, value in operation.keywords.items()},
            result=original(operation.result),
        )


def _seen_in(storage: torch.UntypedStorage, tensor: Tensor) -> Tensor:
    """Return the tensor over ``storage`` that lies there as ``tensor`` does in its own."""
    empty = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return empty.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())


def _places(slots: Sequence[_Slot]) -> list[int]:
    return [each.data_ptr() for param, grad, state in slots for each in (param, grad, *state.values())]


def _same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return before.keys() == after.keys() and all(value is after[name] for name, value in before.items())


class _Steps:
    """The count of steps, which may be compared and nothing else."""

    def __init__(self, value: int, comparisons: list[Comparison]) -> None:
        self.value, self.comparisons = value, comparisons

    __hash__ = None  # type: ignore[assignment]


class _Rate(float):
    """The rate, which may be negated and given to a kernel, and nothing else: what comes of it is not seen."""


def _refuse(self: object, other: object = None) -> Any:
    if isinstance(other, Tensor):
        return NotImplemented  # the tensor's own method takes a rate, and refuses steps
    if isinstance(self, _Steps):
        text = "the rule computes with the count of steps in Python"
        raise NotRecordable(text, WRITTEN_IN_PLACE)
    raise NotRecordable("the rule computes with its rate in Python", AS_FACTOR)


def _refuse_lr(optimizer: Optimizer) -> float:
    raise NotRecordable("the rule reads lr, not current_lr", "read current_lr")


def _comparing(relation: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """Return a comparison of the count of steps with another number, 0 if none is named, that is noted."""

    def compare(self: _Steps, other: object = 0) -> bool:
        answer = relation(self.value, other)
        self.comparisons.append(lambda step: relation(step, other) is answer)
        return answer

    return compare


def _define(kind: type, names: Sequence[str], method: Callable[[str], Callable[..., Any]]) -> None:
    for name in names:
        setattr(kind, f"__{name}__", method(name))


_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
_ARITHMETIC = (*_BINARY, *(f"r{each}" for each in _BINARY), "int", "float", "round", "abs")
_define(_Steps, _COMPARISONS, lambda name: _comparing(getattr(operator, name)))
_define(_Steps, ("bool",), lambda _: _comparing(operator.ne))
_define(_Steps, _ARITHMETIC, lambda _: _refuse)
_define(_Rate, (*_ARITHMETIC, *_COMPARISONS, "bool"), lambda _: _refuse)
