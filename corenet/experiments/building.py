"""The network, the loss, the optimizer and what else a recipe names, built for the data of a round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.sequential import Sequential
from corenet.errors import ConfigError, CorenetError
from corenet.experiments.experiment import Component, Recipe
from corenet.experiments.own_code import function_of
from corenet.experiments.parts import Parts
from corenet.making import module_of, network, schedule_of
from corenet.registry.provenance import component_of
from corenet.registry.registry import get
from corenet.registry.spec import Kind

T = TypeVar("T")
EARLY_STOPPING: Component = {"name": "early_stopping", "patience": 20}


def build(recipe: Recipe, parts: Parts, folder: Path) -> tuple[Module, Loss, Optimizer]:
    """Return the network, loss and optimizer of a recipe, the weights drawn from torch's generator.

    Raises:
        ConfigError: a component does not accept the arguments of the recipe.
        UnknownComponentError: the recipe names a component that is not installed.
    """
    model = network_of(recipe, parts, folder).to(device=recipe.device)
    loss: Loss = _made("loss", loss_said(recipe, parts)).to(device=recipe.device)
    steps = recipe.epochs * ceil(len(parts.train) / recipe.batch_size)
    schedule = {} if recipe.schedule is None else {"schedule": _schedule(recipe.schedule, steps)}
    optimizer: Optimizer = _made("optimizer", recipe.optimizer, [*model.parameters(), *loss.parameters()], **schedule)
    return model, loss, optimizer


def network_of(recipe: Recipe, parts: Parts, folder: Path) -> Module:
    """Return the network of a recipe, on the CPU."""
    said = recipe.network
    if "make" in said:
        return module_of(function_of(said["make"], folder), parts.in_features, parts.out_features)
    if "hidden" in said:
        if not isinstance(parts.in_features, int):
            raise ConfigError(f"network.hidden takes rows of numbers, not of shape {parts.in_features}; say modules")
        widths = [parts.in_features, *said["hidden"], parts.out_features]
        return network(widths, said["activation"], said["dropout"], said["init"])
    numbers = {"in_features": parts.in_features, "out_features": parts.out_features}
    return Sequential(*(_module(entry, numbers) for entry in said["modules"]))


def callbacks_of(recipe: Recipe, parts: Parts) -> list[Any]:
    """Return the callbacks of a recipe, made."""
    return [_made("callback", each) for each in callbacks_said(recipe, parts)]


def callbacks_said(recipe: Recipe, parts: Parts) -> Sequence[Component]:
    """Return the callbacks that a recipe means: where it says none, early stopping for a table with a part kept."""
    if recipe.callbacks is not None:
        return recipe.callbacks
    return (EARLY_STOPPING,) if "source" in recipe.data and parts.valid is not None else ()


def loss_said(recipe: Recipe, parts: Parts) -> Component:
    """Return the loss that a recipe means: what suits the target of a table, if it says none.

    Raises:
        ConfigError: it says none, and there is no table.
    """
    if recipe.loss is not None:
        return recipe.loss
    if parts.coding is None:
        raise ConfigError('loss missing: data that is drawn or made does not say what suits it; say loss = "mse", say')
    return {"name": "cross_entropy" if parts.coding.classes else "mse"}


def components_of(*trees: Module | Loss | Optimizer) -> list[dict[str, str]]:
    """Return the kind, the qualified name and the version of each component that these are made of.

    >>> components_of(Sequential(get("module", "linear")(2, 1)))
    [{'kind': 'module', 'name': 'corenet:linear', 'version': '0.2.0'}]
    """
    classes = [type(part) for tree in trees for part in ([tree] if isinstance(tree, Optimizer) else _parts(tree))]
    rows = dict.fromkeys(row for row in map(component_of, classes) if row is not None)
    return [{"kind": row.kind, "name": row.qualified_name, "version": row.version} for row in rows]


def _parts(tree: Module | Loss) -> list[Any]:
    return [part for _, part in tree.named_modules()]


def _schedule(said: Component, steps: int) -> Any:
    settings = _settings(said)
    return _made("schedule", said) if settings else schedule_of(said["name"], steps)


def _module(entry: Sequence[Any], numbers: dict[str, Any]) -> Module:
    name, *arguments = entry
    settings = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    given = [_argument(each, numbers) for each in arguments]
    module: Module = _call(name, get("module", name), *given, **settings)
    return module


def _argument(value: Any, numbers: dict[str, Any]) -> Any:
    """Return an argument of a module: of a module itself, if it is written as one, and of several as a chain."""
    if isinstance(value, str):
        return numbers.get(value, value)
    if _is_module(value):
        return _module(value, numbers)
    if isinstance(value, list) and value and all(map(_is_module, value)):
        return Sequential(*(_module(each, numbers) for each in value))
    return value


def _is_module(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)


def _made(kind: Kind, said: Component, *arguments: Any, **more: Any) -> Any:
    return _call(said["name"], get(kind, said["name"]), *arguments, **_settings(said), **more)


def _settings(said: Component) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != "name"}


def _call(name: str, build: Callable[..., T], *arguments: Any, **settings: Any) -> T:
    try:
        return build(*arguments, **settings)
    except CorenetError:
        raise
    except TypeError as error:
        raise ConfigError(f"{name}: {error}", name=name) from error
