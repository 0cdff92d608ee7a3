"""An optimizer in a file: its state, and the place in the random numbers at which its training ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from corenet.checkpoint.description import Builder, Describer
from corenet.checkpoint.header import MOST
from corenet.contracts.draws import Left
from corenet.contracts.optimizer import Optimizer


def described(state: Mapping[str, Any], describer: Describer) -> dict[str, Any]:
    """Return the part of an optimizer's state that is no tensors."""
    groups = [_group(each, describer) for each in state["groups"]]
    return {"count": len(state["states"]), "lr": state["lr"], "steps": state["steps"], "groups": groups}


def state_of(head: Mapping[str, Any], tensors: Mapping[str, Tensor], builder: Builder) -> dict[str, Any]:
    """Return the state of which :func:`described` told; ``tensors`` are those of each parameter, as ``0.velocity``.

    Raises:
        ValueError, TypeError, LookupError: it is damaged.
    """
    if not 0 <= head["count"] <= MOST:
        raise ValueError(f"it is of {head['count']} parameters")
    states: list[dict[str, Tensor]] = [{} for _ in range(head["count"])]
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        if index != str(int(index)) or index.startswith("-"):  # 01 and -1 would be second names of one place
            raise ValueError(f"{name!r} is of no parameter")
        states[int(index)][key] = tensor
    state = {"lr": float(head["lr"]), "steps": int(head["steps"]), "states": states}
    if "groups" in head:  # later than 0.1
        state["groups"] = [{"params": each["params"], **builder.arguments(each["own"])} for each in head["groups"]]
    return state


def place_of(left: Left | None) -> dict[str, int] | None:
    """Return where a training ended, without the states of the generators."""
    return None if left is None else {"seed": left.seed, "epoch": left.epoch, "steps": left.steps}


def left_at(place: Mapping[str, Any] | None, states: Mapping[str, Tensor]) -> Left | None:
    """Return where a training ended, with the states of the generators."""
    if place is None:
        return None
    seed, epoch, steps = (int(place[name]) for name in ("seed", "epoch", "steps"))
    return Left(seed, epoch, steps, [states[name].clone() for name in sorted(states)])


def names_of(optimizer: Optimizer, named: Mapping[str, Tensor]) -> list[str] | None:
    """Return the name of each parameter of an optimizer among ``named``, or None if one of them is not there."""
    names = {id(tensor): name for name, tensor in named.items()}
    found = [names.get(id(each)) for each in optimizer.parameters]
    return None if None in found else [name for name in found if name is not None]


def _group(group: Mapping[str, Any], describer: Describer) -> dict[str, Any]:
    own = {name: describer.value(value, name) for name, value in group.items() if name != "params"}
    return {"params": group["params"], "own": own}
