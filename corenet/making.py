"""The parts of a training from what an estimator's arguments say: names, classes, instances, functions."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.numbers import StepFactor
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter
from corenet.contracts.sequential import Sequential
from corenet.errors import ConfigError
from corenet.registry.named import class_of, made
from corenet.registry.spec import Kind

PartT = TypeVar("PartT", Loss, Module, Optimizer)
LENGTHS = ("steps", "total_steps")  # what schedules call the length of a training


def network(widths: Sequence[int], activation: Any, dropout: float, init: Any) -> Sequential:
    """Return a chain of affine layers of these widths, an activation and a dropout after each but the last.

    >>> network([2, 8, 1], "tanh", 0.0, "uniform")
    Sequential(
      [0] Linear(2 → 8)
      [1] Tanh()
      [2] Linear(8 → 1)
    )
    """
    linear, modules = class_of("module", "linear"), []
    *hidden, last = pairwise(widths)
    for width, wider in hidden:
        modules += [linear(width, wider, init=init), new("module", activation, "activation")]
        modules += [class_of("module", "dropout")(dropout)] if dropout else []
    return Sequential(*modules, linear(*last, init=init))


def new(kind: Kind, value: Any, argument: str) -> Any:
    """Return a new component: of a name, of a class, or a copy of an instance.

    >>> new("module", "relu", "activation"), new("module", class_of("module", "tanh"), "activation")
    (ReLU(), Tanh())
    """
    if isinstance(value, str):
        return made(kind, value, argument)
    return value() if isinstance(value, type) else copy.deepcopy(value)


def loss_of(value: Any) -> Loss:
    """Return the loss that is meant.

    Raises:
        ConfigError: it is none.
    """
    return _of(Loss, new("loss", value, "loss"), "loss", "a name, a class, or a loss such as cn.MSELoss()")


def module_of(module: Callable[[int, int], Module], in_features: int, out_features: int) -> Module:
    """Return the module that a function makes of the two widths.

    Raises:
        ConfigError: it is no function, or makes none.
    """
    if isinstance(module, Module) or not callable(module):
        text = f"module must be a function (in_features, out_features) that makes one, not {module!r:.80}"
        raise ConfigError(text, name="module", value=module)
    return _of(Module, module(in_features, out_features), "module", "a function that makes a corenet module")


def optimizer_of(value: Any, parameters: Sequence[Parameter], **options: Any) -> Optimizer:
    """Return the optimizer of a name, a class, or a function such as ``partial(cn.SGD, momentum=0.9)``.

    Options that are None are left to it.

    Raises:
        ConfigError: it is none of these, or does not take an option.
    """
    make = class_of("optimizer", value) if isinstance(value, str) else value
    if isinstance(make, Optimizer) or not callable(make):
        text = f"optimizer must be a name, a class or a function of parameters, not {value!r:.80}"
        raise ConfigError(text, name="optimizer", value=value)
    given = {name: option for name, option in options.items() if option is not None}
    try:
        return _of(Optimizer, make(parameters, **given), "optimizer", "a function that makes an optimizer")
    except TypeError as error:
        raise ConfigError(f"optimizer {value!r:.80} cannot be made: {error}", name="optimizer", value=value) from error


def schedule_of(value: Any, steps: int) -> StepFactor | None:
    """Return a schedule; one that is given by name, and needs the length of the training, is told it.

    >>> schedule_of("cosine", 500)
    CosineSchedule(steps=500, end_factor=0.0)
    """
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]  # the optimizer refuses what is no function
    cls = class_of("schedule", value)
    needed = [each.name for each in inspect.signature(cls).parameters.values() if each.default is each.empty]
    return cls(**dict.fromkeys(set(needed) & set(LENGTHS), steps)) if needed else cls()  # type: ignore[no-any-return]


def _of(kind: type[PartT], value: Any, argument: str, expected: str) -> PartT:
    if not isinstance(value, kind):
        raise ConfigError(f"{argument} must be {expected}, not {value!r:.80}", name=argument, value=value)
    return value
