"""Where the numbers of an optimizer lie: flat parameters and gradients, and the state beside each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.flat import Flat, flatten
from corenet.contracts.groups import Group
from corenet.contracts.parameter import freezes, is_frozen

State = dict[str, Tensor]
InitState = Callable[[Tensor, Group], State]


@dataclass(frozen=True)
class Slot:
    """What one call of ``update`` gets: a parameter or many laid side by side, their gradient, their state."""

    flat: Flat
    state: State
    group: Group

    @property
    def param(self) -> Tensor:
        """The parameter."""
        return self.flat.param

    @property
    def grad(self) -> Tensor:
        """Its gradient."""
        return self.flat.grad

    @property
    def own(self) -> dict[str, Any]:
        """The hyper-parameters that its group has a value of."""
        return self.group.own


class Layout:
    """The slots that an optimizer updates in turn.

    An elementwise rule has a slot for each group, dtype and device, over one flat tensor; any other has one for each
    parameter, in its shape.

    >>> import corenet as cn, torch
    >>> layout = Layout([Group(cn.SGD, cn.Linear(2, 3).parameters(), {})], True, lambda param, group: {})
    >>> [weights.shape for weights in layout.weights()]
    [torch.Size([9])]
    """

    def __init__(self, groups: Sequence[Group], elementwise: bool, init_state: InitState) -> None:
        self._groups, self._elementwise, self._init_state = tuple(groups), elementwise, init_state
        self._parameters: tuple[Tensor, ...] = tuple(each for group in groups for each in group["params"])
        self._resting: list[State] = [{} for _ in self._parameters]  # of those that are frozen
        self._freezes = -1  # that were known when it was last looked which are
        self._lay_out()

    def weights(self) -> list[Tensor]:
        """Return all parameters, as few flat tensors as there are slots."""
        return [slot.flat.param for slot in self.slots]

    def gradients(self) -> list[Tensor]:
        """Return all gradients, as few flat tensors as there are slots."""
        return [slot.flat.grad for slot in self.slots]

    def is_current(self) -> bool:
        """Tell whether every trained parameter and gradient is the tensor, and in the memory, that was laid out."""
        return all(slot.flat.is_current() for slot in self.slots) and self._are_frozen_as_before()

    def _are_frozen_as_before(self) -> bool:
        if self._freezes != freezes():
            if list(map(is_frozen, self._parameters)) != self._frozen:
                return False
            self._freezes = freezes()
        return True

    def refresh(self) -> None:
        """Lay out again, state included, if new tensors or memories stand in the place of those laid out."""
        if self.is_current():
            return
        for slot in self.slots:
            slot.flat.take_back_gradients()
        if not self.is_current():
            states = self.states()
            self._lay_out()
            self.write_states(states)

    def states(self) -> list[State]:
        """Return a copy of each parameter's state; of a frozen one that of when it was last trained."""
        states: list[State] = [{name: _copied(value) for name, value in state.items()} for state in self._resting]
        for place, name, piece, _ in self._pieces():
            states[place][name] = _copied(piece)
        return states

    def write_states(self, states: Sequence[State]) -> None:
        """Copy what :meth:`states` returned back in."""
        for place, name, piece, slot in self._pieces():
            if name not in states[place]:  # it was never trained
                continue
            if isinstance(piece, Tensor):
                piece.copy_(states[place][name])
            else:
                slot.state[name] = _copied(states[place][name])
        self._resting = [dict(state) if frozen else {} for state, frozen in zip(states, self._frozen, strict=True)]

    def _lay_out(self) -> None:
        with torch.inference_mode(False):  # what inference mode makes could not be changed outside of it
            self._frozen = list(map(is_frozen, self._parameters))
            self._freezes = freezes()
            self.slots = [
                Slot(flat, self._init_state(flat.param, group), group)
                for group in self._groups
                for flat in self._flats(group)
            ]

    def _flats(self, group: Group) -> list[Flat]:
        trained = [each for each in group["params"] if not is_frozen(each)]
        if self._elementwise:
            return flatten(trained)
        return [flat.shaped() for parameter in trained for flat in flatten([parameter])]

    def _pieces(self) -> Iterator[tuple[int, str, Any, Slot]]:
        """Yield each parameter's place, the name of a state, its part of that state, a view, and the slot of both."""
        index = {id(parameter): place for place, parameter in enumerate(self._parameters)}
        for slot in self.slots:
            for name, value in [*slot.state.items()]:
                for parameter, piece in zip(slot.flat.parameters, _split(slot.flat, value), strict=True):
                    yield index[id(parameter)], name, piece, slot


def _split(flat: Flat, value: Any) -> list[Any]:
    """Return a state's part for each parameter; one that is not per element belongs to all alike."""
    is_per_element = isinstance(value, Tensor) and value.shape == flat.param.shape
    return flat.split(value) if is_per_element else [value] * len(flat.parameters)


def _copied(value: Any) -> Any:
    """Return a copy of a tensor, or of whatever else a rule keeps, such as a count."""
    return value.clone() if isinstance(value, Tensor) else deepcopy(value)
