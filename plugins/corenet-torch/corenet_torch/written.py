"""The backward that somebody wrote: of an autograd.Function, or registered for a custom operator of torch.library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import getclosurevars
from typing import Any

import torch
from torch import Tensor

Backward = Callable[..., Any]
REGISTERED = "_backward_fn"  # where torch.library keeps it


@dataclass(frozen=True)
class Written:
    """A backward; ``holder`` is what has it: an autograd.Function, or torch's record of a custom operator."""

    holder: Any

    @property
    def backward(self) -> Backward:
        """The function, of the context and the upstream gradients."""
        found: Backward = getattr(self.holder, self._attribute)
        return found

    @property
    def owner(self) -> Callable[..., Any]:
        """What is written in a file: the class, or the function that was registered."""
        owner: Callable[..., Any] = self.holder if isinstance(self.holder, type) else self.backward
        return owner

    @contextmanager
    def replaced(self, edited: Backward | None) -> Iterator[None]:
        """Have another backward run within the ``with`` block, if one is given."""
        if edited is None:
            yield
            return
        is_class, name = isinstance(self.holder, type), self._attribute
        before = vars(self.holder).get(name)
        setattr(self.holder, name, staticmethod(edited) if is_class else edited)
        try:
            yield
        finally:
            if before is None:  # it is inherited
                delattr(self.holder, name)
            else:
                setattr(self.holder, name, before)

    @property
    def _attribute(self) -> str:
        return "backward" if isinstance(self.holder, type) else REGISTERED


def written_in(outputs: Sequence[Tensor]) -> list[Written]:
    """Return the backwards, other than torch's own, of what computed some outputs."""
    classes = (getattr(type(node), "_forward_cls", None) for node in nodes_of(outputs))
    holders = (_registered(each) if each.__module__.startswith("torch.") else each for each in classes if each)
    return [Written(each) for each in dict.fromkeys(holders) if each is not None]


def nodes_of(outputs: Sequence[Tensor]) -> Iterator[Any]:
    """Yield each node of the graph that autograd has recorded."""
    waiting, seen = [each.grad_fn for each in outputs], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            waiting += [each for each, _ in node.next_functions]


def _registered(cls: type[torch.autograd.Function]) -> Any:
    """Return torch's record of the custom operator that a class was generated for; None if there is none.

    The record is known to nobody but the class's own backward, which reads the registered one from it at each call.
    """
    backward: Any = cls.backward
    while backward is not None:
        known = getclosurevars(backward).nonlocals
        if getattr(known.get("info"), REGISTERED, None) is not None:
            return known["info"]
        backward = known.get("orig_backward")  # of an operator that takes lists of tensors, it is wrapped
    return None
