"""Whether a state that is loaded is one of this optimizer."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from corenet.errors import ShapeError, StructureError


def refused_misfit(optimizer: str, own: dict[str, Any], state: Any) -> dict[str, Any]:
    """Return ``state``, of the form of ``own``; one that an earlier version made has no groups, and gets those there.

    Raises:
        StructureError: it is of other parameters or groups, or another optimizer.
        ShapeError: a tensor does not fit.
    """
    found: dict[str, Any] = {"groups": own["groups"]} | state if isinstance(state, dict) else {}
    if own.keys() != found.keys() or len(own["states"]) != len(found["states"]):
        raise StructureError(f"the state is not one of {optimizer}")
    mine, theirs = ([each.get("params") for each in of["groups"]] for of in (own, found))
    if mine != theirs:
        text = f"the state has groups of the parameters {theirs}, {optimizer} has {mine}"
        raise StructureError(f"{text}: make it of the same groups")
    for index, (one, other) in enumerate(zip(own["states"], found["states"], strict=True)):
        _refuse_other_tensors(index, one, other)
    if not isinstance(found["steps"], int) or found["steps"] < 0:
        raise StructureError(f"the state has steps {found['steps']!r}, expected a count")
    return found


def _refuse_other_tensors(index: int, mine: dict[str, Any], theirs: Any) -> None:
    if not isinstance(theirs, dict) or mine.keys() != theirs.keys():
        found = sorted(theirs) if isinstance(theirs, dict) else " ".join(f"{theirs!r:.80}".split())
        raise StructureError(f"state {index} is {found}, expected {sorted(mine)}: that of another rule or settings")
    for name, value in mine.items():
        if isinstance(value, Tensor) is not isinstance(theirs[name], Tensor):
            raise StructureError(f"state {index} {name!r} is {theirs[name]!r:.80}, expected one like {value!r:.80}")
        if isinstance(value, Tensor) and value.shape != theirs[name].shape:
            raise ShapeError(f"state {index} {name!r}", theirs[name].shape, f"expected {tuple(value.shape)}")
