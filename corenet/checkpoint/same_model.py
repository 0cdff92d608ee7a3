"""Whether a file is of this model: two modules with the same tensors, or none, are told apart by their classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import CheckpointError, StructureError
from corenet.registry.provenance import provenance, target_of


def classes_of(model: Module) -> dict[str, str]:
    """Return the class of each module by its path.

    >>> import corenet as cn
    >>> classes_of(cn.Sequential(cn.ReLU()))
    {'': 'corenet.contracts.sequential:Sequential', '0': 'corenet.builtin.activations:ReLU'}
    """
    return {place: target_of(type(module)) for place, module in model.named_modules()}


def refuse_other_modules(path: Path, document: dict[str, Any], model: Module) -> None:
    """Raise :class:`StructureError` if the tensors were of other modules: ReLU and Tanh have the same, none."""
    if document["modules"] is None:
        return
    try:
        theirs = _described(document["modules"], document["components"])
    except (TypeError, LookupError) as error:
        raise CheckpointError(f"{path} has a record of its modules that is damaged: {error}") from error
    ours = _described(classes_of(model), provenance(type(each) for _, each in model.named_modules()))
    for place in [*theirs, *ours]:
        if not same_class(theirs.get(place), ours.get(place)):
            raise StructureError(
                f"{path} is of another model: {place or 'the whole'} is {_name(theirs.get(place))} there and "
                f"{_name(ours.get(place))} here; build the model that was saved"
            )


def refuse_foreign_optimizer(model: Module, optimizer: Optimizer) -> None:
    """Raise :class:`StructureError` if an optimizer has no parameter of this model, but of another, or of a copy."""
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for parameter in optimizer.parameters):
        raise StructureError(f"{optimizer!r} has no parameter of this model; make it with model.parameters()")


def _described(classes: dict[str, str], components: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return what ``components`` says of the class at each place."""
    by_class = {each["class"]: each for each in components}
    return {place: by_class[target] for place, target in classes.items()}


def same_class(left: dict[str, str] | None, right: dict[str, str] | None) -> bool:
    """Tell whether two descriptions are of one class, even if it was moved to another file or registered anew.

    >>> same_class({"class": "script:Net"}, {"class": "package.nets:Net"})
    True
    """
    if left is None or right is None:
        return False
    if "name" in left and "name" in right:
        return left["name"] == right["name"] or left["class"] == right["class"]
    return _name(left) == _name(right)


def _name(described: dict[str, str] | None) -> str:
    return "nothing" if described is None else described["class"].rpartition(":")[2].rpartition(".")[2]
