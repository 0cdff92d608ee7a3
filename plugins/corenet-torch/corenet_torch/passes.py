"""One forward of a function of torch's, and the backward that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from corenet.errors import DTypeError
from torch import Tensor

from corenet_torch.widened import widened
from corenet_torch.written import Backward, Written, nodes_of

if TYPE_CHECKING:
    from corenet_torch.pairs import Pair

Gradients = tuple[Tensor | None, ...]


@dataclass(frozen=True, eq=False)
class Pass:
    """The outputs of a forward; ``leaves`` are what gradients are asked of, in the memory of what was given.

    ``widens`` is whether casts to float32 stay in float64, in the backward too.
    """

    leaves: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    widens: bool

    def gradients(self, upstreams: Sequence[Tensor | None], edited: Backward | None = None) -> Gradients:
        """Return the gradient of each leaf, None where backward gives none; may be asked again.

        ``edited`` is a backward to run in the place of the one that was written.
        """
        raise NotImplementedError

    def __deepcopy__(self, _: object) -> Pass:
        return self  # a graph has no copy, and nobody changes it


@dataclass(frozen=True, eq=False)
class GraphPass(Pass):
    """A forward that autograd has recorded. ``written`` is the backward of somebody's in it, if it is one."""

    written: Written | None = None

    def gradients(self, upstreams: Sequence[Tensor | None], edited: Backward | None = None) -> Gradients:
        pairs = [(out, up) for out, up in zip(self.outputs, upstreams, strict=True) if out.requires_grad]
        if not pairs:
            return tuple(None for _ in self.leaves)
        outputs, given = zip(*pairs, strict=True)
        with nullcontext() if self.written is None else self.written.replaced(edited), widened(self.widens):
            return torch.autograd.grad(outputs, self.leaves, given, retain_graph=True, allow_unused=True)

    def nodes(self) -> list[Any]:
        """Return the nodes of autograd.Functions in the graph, of which custom operators are some."""
        return [node for node in nodes_of(self.outputs) if isinstance(node, torch.autograd.function.BackwardCFunction)]


@dataclass(frozen=True, eq=False)
class PairPass(Pass):
    """A forward without autograd, and a backward that is a function of its own, given ``args`` too."""

    pair: Pair
    args: tuple[Any, ...]
    places: tuple[int, ...]

    def gradients(self, upstreams: Sequence[Tensor | None], edited: Backward | None = None) -> Gradients:
        with widened(self.widens):
            found = self.pair.gradients(upstreams, self.args, self.places, edited)
        gradients = found if isinstance(found, tuple) else (found,)
        if len(gradients) == len(self.args) != len(self.places):
            gradients = tuple(gradients[place] for place in self.places)
        if len(gradients) != len(self.places):
            raise DTypeError(f"backward returns {len(gradients)} gradients for {len(self.places)} inputs that have one")
        return gradients


def tensors_of(output: Any) -> tuple[Tensor, ...]:
    """Return the outputs of a function: a tensor, or several.

    Raises:
        DTypeError: something else is among them.
    """
    found = tuple(output) if isinstance(output, tuple | list) else (output,)
    for each in found:
        if not isinstance(each, Tensor):
            raise DTypeError(f"forward returns {type(each).__name__}, not a tensor or a tuple of tensors: wrap it")
    return found
