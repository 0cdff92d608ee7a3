"""What engines do with an optimizer that its users and authors need not know of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor

from corenet.contracts.apply import apply
from corenet.contracts.groups import having
from corenet.contracts.layout import Layout
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import is_frozen


def has_own_step(optimizer: Optimizer) -> bool:
    """Tell whether a class or an instance does something else in ``step`` than apply its rule to each slot."""
    names = ("step", "zero_grad", "layout")
    return any(
        name in vars(optimizer) or getattr(type(optimizer), name) is not getattr(Optimizer, name) for name in names
    )


def advance(optimizer: Optimizer, layout: Layout) -> None:
    """Do what ``step`` does, without looking whether tensors were replaced: the caller guarantees that none was."""
    apply(optimizer, layout.slots)
    optimizer.steps += 1


def tensors_of(optimizer: Optimizer) -> list[Tensor]:
    """Return parameters, gradients and the state beside them, as they are laid out."""
    slots = optimizer.layout.slots
    states = [value for slot in slots for value in slot.state.values() if isinstance(value, Tensor)]
    return [*(each for slot in slots for each in (slot.flat.param, slot.flat.grad)), *states]


def trained(optimizer: Optimizer) -> list[Tensor]:
    """Return the parameters that are not frozen."""
    return [each for each in optimizer.parameters if not is_frozen(each)]


def learning_rates(optimizer: Optimizer, steps: Iterable[int]) -> list[float]:
    """Return the rate that the optimizer will have at each of ``steps``.

    >>> import corenet as cn, torch
    >>> learning_rates(cn.SGD([cn.Parameter(torch.ones(1))], lr=0.4, lr_decay=1.0), range(3))
    [0.4, 0.2, 0.13333333333333333]
    """
    now = optimizer.steps
    rates = []
    try:
        for optimizer.steps in steps:
            rates.append(optimizer.current_lr)
    finally:
        optimizer.steps = now
    return rates


def rates_of_groups(optimizer: Optimizer, steps: Sequence[int]) -> list[tuple[float, ...]]:
    """Return the rate that each group of the optimizer will have at each of ``steps``.

    >>> import corenet as cn, torch
    >>> a, b = (cn.Parameter(torch.ones(1)) for _ in range(2))
    >>> rates_of_groups(cn.SGD([{"params": a}, {"params": b, "lr": 0.2}], lr=0.4, lr_decay=1.0), range(2))
    [(0.4, 0.2), (0.2, 0.1)]
    """
    rates = []
    for group in optimizer.groups:
        with having(optimizer, group.own):
            rates.append(learning_rates(optimizer, steps))
    return list(zip(*rates, strict=True))
