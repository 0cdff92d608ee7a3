"""Layers of a recurrence, one on another, in one direction or in both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, cast

import corenet as cn
import torch
from torch import Tensor

from corenet_sequence.arguments import refuse_no_probability, refuse_no_size
from corenet_sequence.recurrent.layer import RecurrentLayer


class Recurrent(cn.Module):
    """The layers of a recurrent network; a subclass says which :meth:`layer` and how many ``states`` it has."""

    states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        name = type(self).__name__
        refuse_no_size(name, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        refuse_no_probability(name, "dropout", dropout)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        self.directions = 2 if bidirectional else 1
        widths = chain([input_size], repeat(self.directions * hidden_size, num_layers - 1))
        self.layers = [self.layer(width, dtype) for width in widths for _ in range(self.directions)]
        self.dropouts = [cn.Dropout(dropout) for _ in range(num_layers - 1) if dropout]
        self.to(device=device)
        self.reset_parameters()

    def layer(self, width: int, dtype: torch.dtype | None) -> RecurrentLayer:
        """Return a layer for an input of some width."""
        raise NotImplementedError

    def named_members(self) -> Iterator[tuple[str, object]]:
        """Yield parameters under PyTorch's names, and then the layers that they belong to."""
        for name, value in super().named_members():
            if isinstance(value, RecurrentLayer):
                suffix = self._suffix(int(name.removeprefix("layers.")))
                yield from ((f"{each}_{suffix}", tensor) for each, tensor in value.named_parameters())
            yield name, value

    def _suffix(self, place: int) -> str:
        depth, is_reverse = divmod(place, self.directions)
        return f"l{depth}{'_reverse' if is_reverse else ''}"

    def forward(self, input: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        is_single = input.dim() == 2
        self.save(bool(states), is_single)
        input = self._steps_first(input, is_single)
        firsts = [_with_batch(each, is_single) for each in states] or [self._zeros(input)] * self.states
        lasts = []
        for depth in range(self.num_layers):
            if depth > 0 and self.dropouts:
                input = self.dropouts[depth - 1](input)
            outputs = []
            for place in self._places(depth):
                output, *last = self._ahead(place, input, [first[place] for first in firsts])
                outputs.append(output)
                lasts.append(last)
            input = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
        stacked = [torch.stack(each) for each in zip(*lasts, strict=True)]
        return self._as_given(input, is_single), *[each.squeeze(1) if is_single else each for each in stacked]

    def backward(self, grad_output: Tensor, *grad_lasts: Tensor) -> Any:
        has_states, is_single = cast(tuple[bool, bool], self.saved())
        grad = self._steps_first(grad_output, is_single)
        lasts = [_with_batch(each, is_single) for each in grad_lasts]
        firsts = []
        for depth in reversed(range(self.num_layers)):
            parts = grad.split(self.hidden_size, -1)
            grads = []
            for place, part in reversed(list(zip(self._places(depth), parts, strict=True))):
                of_input, *first = self._back(place, part, [last[place] for last in lasts])
                grads.append(of_input)
                firsts.append(first)
            grad = grads[0] if len(grads) == 1 else grads[0] + grads[1]
            if depth > 0 and self.dropouts:
                grad = self.dropouts[depth - 1].backward(grad)
        grad_input = self._as_given(grad, is_single)
        if not has_states:
            return grad_input
        stacked = [torch.stack(each) for each in zip(*reversed(firsts), strict=True)]
        return grad_input, *[each.squeeze(1) if is_single else each for each in stacked]

    def check(self, input: Tensor, *states: Tensor) -> None:
        for each in (input, *states):
            self.check_floating(each)
            self.check_matches(each, self.layers[0].weight_hh)
        steps = 1 if self.batch_first and input.dim() == 3 else 0
        if input.dim() not in (2, 3) or input.shape[-1] != self.input_size or input.shape[steps] == 0:
            order = "(N, L, {0}) or (L, {0})" if self.batch_first else "(L, N, {0}) or (L, {0})"
            raise cn.ShapeError(repr(self), input.shape, f"expected {order.format(self.input_size)} with L ≥ 1")
        if len(states) not in (0, self.states):
            raise cn.StructureError(
                f"{self!r} takes the input and no first state or {self.states} of them, got {len(states)}"
            )
        for each in states:
            if each.shape != self._shape_of_states(input):
                raise cn.ShapeError(f"{self!r}: a first state", each.shape, f"expected {self._shape_of_states(input)}")

    def _places(self, depth: int) -> range:
        """Return where in ``layers`` those of a depth are, the one that runs forwards first."""
        return range(depth * self.directions, (depth + 1) * self.directions)

    def _ahead(self, place: int, input: Tensor, states: list[Tensor]) -> Any:
        """Run one layer, from the last step to the first if it is the second of two directions."""
        if place % self.directions == 0:
            return self.layers[place](input, *states)
        output, *lasts = self.layers[place](input.flip(0), *states)
        return output.flip(0), *lasts

    def _back(self, place: int, grad_output: Tensor, grad_lasts: list[Tensor]) -> Any:
        """Run one layer backward."""
        if place % self.directions == 0:
            return self.layers[place].backward(grad_output, *grad_lasts)
        grad_input, *grad_firsts = self.layers[place].backward(grad_output.flip(0), *grad_lasts)
        return grad_input.flip(0), *grad_firsts

    def _steps_first(self, tensor: Tensor, is_single: bool) -> Tensor:
        """Return a sequence, or a batch of them, as ``(L, N, ·)``."""
        if is_single:
            return tensor.unsqueeze(1)
        return tensor.transpose(0, 1) if self.batch_first else tensor

    def _as_given(self, tensor: Tensor, is_single: bool) -> Tensor:
        """Return ``(L, N, ·)`` in the order of the input."""
        if is_single:
            return tensor.squeeze(1)
        return tensor.transpose(0, 1) if self.batch_first else tensor

    def _zeros(self, input: Tensor) -> Tensor:
        return input.new_zeros(len(self.layers), input.shape[1], self.hidden_size)

    def _shape_of_states(self, input: Tensor) -> tuple[int, ...]:
        batch = () if input.dim() == 2 else (input.shape[0 if self.batch_first else 1],)
        return (len(self.layers), *batch, self.hidden_size)

    def __repr__(self) -> str:
        layers = "" if self.num_layers == 1 else f", num_layers={self.num_layers}"
        both = ", bidirectional=True" if self.directions == 2 else ""
        return f"{type(self).__name__}({self.input_size} → {self.hidden_size}{layers}{both})"


def _with_batch(states: Tensor, is_single: bool) -> Tensor:
    return states.unsqueeze(1) if is_single else states
