"""A shadow of an optimizer, over copies of its tensors: its rule can be tried there without a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.apply import apply
from corenet.contracts.layout import Slot
from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.optimizer_adapter import tensors_of
from corenet.training.engines.recording.op_log import Operation, OpLog, memory
from corenet.training.engines.recording.symbol import Trial
from corenet.training.engines.unsupported import NotRecordable, is_of_ours

WRITTEN_IN_PLACE = "keep it in a tensor of the state, which init_state makes, and write that in place"
_OF_THE_RATE = ("_lr", "steps", "_layout", "_groups", "_schedule")


@dataclass(frozen=True)
class _Copied:
    """A slot of copies; ``own`` are the values of its group, its rate among them."""

    param: Tensor
    grad: Tensor
    state: dict[str, Tensor]
    own: Mapping[str, Any]


class Shadow:
    """An optimizer of the same rule, whose rates and count of steps are the symbols of a trial."""

    def __init__(self, optimizer: Optimizer, trial: Trial) -> None:
        own, groups = type(optimizer), optimizer.groups
        seen = {
            "current_lr": None,  # it is each group's own
            "_lr": _refused("lr"),  # which lr reads
            "schedule": _refused("schedule"),
            "_schedule": None,  # of which the rate comes
            "steps": property(lambda _: trial.steps),
        }
        self._optimizer: Optimizer = object.__new__(type(own.__name__, (own,), seen))
        kept = {name: value for name, value in vars(optimizer).items() if name not in _OF_THE_RATE}
        rates = {id(group): trial.rate(place) for place, group in enumerate(groups)}
        self._optimizer.__dict__.update(kept, current_lr=rates[id(groups[0])])
        self._slots, self._rates = optimizer.layout.slots, rates
        self._originals = {memory(each): each.untyped_storage() for each in tensors_of(optimizer)}
        self._copies = {own: storage.clone() for own, storage in self._originals.items()}

    def logged(self) -> list[Operation]:
        """Return what the rule does to the tensors of the optimizer; it is done to the copies.

        Raises:
            NotRecordable: the rule cannot be done again from a log.
        """
        slots = [self._copied(slot) for slot in self._slots]
        kept, states, places = dict(vars(self._optimizer)), [dict(slot.state) for slot in slots], _places(slots)
        with OpLog() as log:
            self._apply(slots)
        after = [vars(self._optimizer), *(slot.state for slot in slots)]
        if not all(map(_same, [kept, *states], after)) or _places(slots) != places:
            raise NotRecordable("update() creates new state in each step", WRITTEN_IN_PLACE)
        return [self._of_originals(each) for each in log.checked()]

    def _copied(self, slot: Slot) -> _Copied:
        state = {name: self._copy(value) for name, value in slot.state.items()}
        own = {name: value for name, value in slot.own.items() if name != "lr"}
        own["current_lr"] = self._rates[id(slot.group)]
        return _Copied(self._copy(slot.param), self._copy(slot.grad), state, own)

    def _apply(self, slots: Sequence[_Copied]) -> None:
        try:
            apply(self._optimizer, slots)
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


def _refused(name: str) -> property:
    def refuse(optimizer: Optimizer) -> Any:
        raise NotRecordable(f"the rule reads {name}, not current_lr", "read current_lr")

    return property(refuse)


def _seen_in(storage: torch.UntypedStorage, tensor: Tensor) -> Tensor:
    """Return the tensor over ``storage`` that lies there as ``tensor`` does in its own."""
    empty = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return empty.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())


def _places(slots: Sequence[_Copied]) -> list[int]:
    return [each.data_ptr() for slot in slots for each in (slot.param, slot.grad, *slot.state.values())]


def _same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return before.keys() == after.keys() and all(value is after[name] for name, value in before.items())
