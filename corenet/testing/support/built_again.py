"""A component built again from the arguments that it keeps, as from a file."""

from __future__ import annotations

import json
from typing import Any

from torch import Tensor

from corenet.checkpoint.arguments import NotKeptError, called
from corenet.checkpoint.description import Builder, Describer
from corenet.checkpoint.model_state import take_dtypes, tie, tied
from corenet.checkpoint.without_memory import without_memory
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter
from corenet.registry.collect import reason_of
from corenet.testing.support.trial import seeded
from corenet.testing.support.violation import NotApplicable, Violation

FROM = "built again from what it keeps of its arguments,"
LOOK = (
    "a constructor must not look at the numbers of its tensors: cn.load tries it on torch's meta device, which has none"
)
KEEP = "keep each argument as it was given, in the attribute of its name: that is what cn.save writes"


def built_again(part: Any, seed: int) -> Any:
    """Return a module or a loss made of the arguments that ``part`` keeps, filled with its state."""
    arguments, builder = _through_json(part)
    state: dict[str, Tensor] = part.state_dict()
    try:
        with without_memory(len(state)), seeded(seed):
            called(type(part), (), builder.arguments(arguments))
    except Exception as error:
        raise Violation(f"{FROM} without memory, it raises {reason_of(error)}", LOOK) from error
    arguments, builder = _through_json(part)  # each tensor is handed out once
    try:
        with seeded(seed + 1):  # another seed, so that weights that are not filled in differ
            again = called(type(part), (), builder.arguments(arguments))
        tie(again, tied(part))
        take_dtypes(again, state)
        again.load_state_dict(state)
    except Exception as error:
        raise Violation(f"{FROM} it raises {reason_of(error)}", KEEP) from error
    return again


def optimizer_built_again(optimizer: Optimizer, parameters: list[Parameter]) -> Optimizer:
    """Return an optimizer of ``parameters`` made of the arguments that ``optimizer`` keeps, filled with its state."""
    arguments, builder = _through_json(optimizer, 1)
    try:
        again: Optimizer = called(type(optimizer), (parameters,), builder.arguments(arguments))
        again.load_state_dict(optimizer.state_dict())
    except Exception as error:
        raise Violation(f"{FROM} it raises {reason_of(error)}", KEEP) from error
    return again


def _through_json(part: Any, but: int = 0) -> tuple[Any, Builder]:
    """Return the arguments that ``part`` keeps, as they come out of a file, and what makes values of them."""
    classes: dict[str, type] = {}

    def named(cls: type) -> str:
        classes[cls.__qualname__] = cls
        return cls.__qualname__

    describer = Describer(named)
    try:
        described = describer.arguments(part, but=but)
    except NotKeptError as error:
        raise NotApplicable(str(error)) from None
    return json.loads(json.dumps(described)), Builder(lambda _, name: classes[name], describer.tensors)
