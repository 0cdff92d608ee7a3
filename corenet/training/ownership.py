"""Whether an optimizer is one of the model's: another would train nothing, and nobody would be told."""

from __future__ import annotations

from weakref import WeakKeyDictionary, ref

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import is_frozen
from corenet.errors import StructureError
from corenet.training.arguments import refuse_other_kinds

_found: WeakKeyDictionary[Optimizer, ref[Module]] = WeakKeyDictionary()


def refuse_foreign_optimizer(model: Module, loss: Loss, optimizer: Optimizer) -> None:
    """Raise unless every parameter of ``optimizer`` is one of ``model`` or of ``loss``.

    Raises:
        StructureError: it was made for another model, such as the one that this is a copy of.
    """
    refuse_other_kinds("training", (model, Module), (loss, Loss), (optimizer, Optimizer))
    own = {id(parameter) for parameter in (*model.parameters(), *loss.parameters())}
    if not all(id(parameter) in own for parameter in optimizer.parameters):
        raise StructureError(
            f"{optimizer!r} holds parameters that the model does not have (any more); make it with model.parameters()"
        )
    _found[optimizer] = ref(model)


def refuse_forgotten_parameters(model: Module, loss: Loss, optimizer: Optimizer) -> None:
    """Raise if groups were made of the parameters and one is in none of them, though it is not frozen.

    Raises:
        StructureError: it would never be trained, and nobody told.
    """
    if len(optimizer.groups) < 2:
        return  # whoever names parameters as one list may mean a part of the model
    trained = {id(parameter) for parameter in optimizer.parameters}
    for tree in (model, loss):
        for name, parameter in tree.named_parameters():
            if id(parameter) not in trained and not is_frozen(parameter):
                raise StructureError(f"no group of {optimizer!r} has {name}; add it to one, or freeze its module")


def refuse_foreign_optimizer_once(model: Module, loss: Loss, optimizer: Optimizer) -> None:
    """Do the same for a model and an optimizer that were not seen together before: a step has no time for more."""
    found = _found.get(optimizer) if isinstance(optimizer, Optimizer) else None
    if found is None or found() is not model or not isinstance(loss, Loss):
        refuse_foreign_optimizer(model, loss, optimizer)
