"""The components that a Python file or module defines; no plugin need offer them."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from functools import cache
from types import ModuleType
from typing import NamedTuple

from corenet.errors import ConfigError, did_you_mean
from corenet.registry.collect import reason_of
from corenet.registry.python_file import imported_file
from corenet.registry.registry import registry
from corenet.registry.sanitize import canonical
from corenet.registry.spec import Kind

TARGET = re.compile(r"(?P<path>.+\.py)(:(?P<name>[\w.]*))?")
OF_MODULE = re.compile(r"(?P<path>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*)")


class FileComponent(NamedTuple):
    """A class of a file or module: its kind, and its name such as ``swish.py:Swish`` or ``package.layers:Swish``."""

    kind: Kind
    qualified_name: str


def is_file(name: str) -> bool:
    """Tell whether ``name`` is that of a file, or of a class of one.

    >>> is_file("layers/swish.py"), is_file("swish.py:Swish"), is_file("corenet-swish:swish")
    (True, True, False)
    """
    return TARGET.fullmatch(name) is not None


def is_of_module(name: str) -> bool:
    """Tell whether ``name`` is that of a class in a module that Python finds, and of no component.

    What begins with a distribution that has components, and is none of these, is a component's name misspelt.

    >>> is_of_module("corenet.builtin.linear:Linear"), is_of_module("corenet:tahn"), is_of_module("nowhere.at:All")
    (True, False, False)
    """
    found = OF_MODULE.fullmatch(name)
    if found is None or canonical(found["path"]) in {row.distribution for row in registry().components()}:
        return False
    sys.path.insert(0, "")  # as where Python itself is told of a module: the current folder
    try:
        return importlib.util.find_spec(found["path"].partition(".")[0]) is not None
    finally:
        sys.path.remove("")


def components_in(target: str) -> list[FileComponent]:
    """Return the components of ``FILE.py``, or the one that is ``FILE.py:Class`` or ``package.module:Class``.

    The file or module is imported now.

    Of a file alone, those are its own public classes of a kind, without those that leave the formula to others.

    Raises:
        OutputError: the file cannot be read.
        ConfigError: it cannot be imported, has no such class, or none of a kind.
    """
    from corenet.testing.conformance import kind_of

    path, name = parts(target)
    module = imported(path)
    own = {each: value for each, value in vars(module).items() if is_own(value, module)}
    if name:
        cls = vars(module).get(name)
        if not isinstance(cls, type):
            raise ConfigError(f"{path} has no class {name!r}{did_you_mean(name, own)}")
        return [FileComponent(kind_of(cls), f"{path}:{name}")]
    found = [FileComponent(kind_of(cls), f"{path}:{each}") for each, cls in own.items() if _is_component(cls)]
    if not found:
        raise ConfigError(f"{path} defines no component of its own, such as a Module, Loss or Optimizer")
    return found


def class_of(component: FileComponent) -> type:
    """Return the class of a component that :func:`components_in` has found."""
    path, name = parts(component.qualified_name)
    cls: type = getattr(imported(path), name)
    return cls


def parts(target: str) -> tuple[str, str]:
    """Return the file or module of a target, and the name in it, which may be empty."""
    found = TARGET.fullmatch(target) or OF_MODULE.fullmatch(target)
    assert found is not None
    return found["path"], found["name"] or ""


def is_own(value: object, module: ModuleType) -> bool:
    """Tell whether a value is a class that the module itself defines."""
    return isinstance(value, type) and value.__module__ == module.__name__


def _is_component(cls: type) -> bool:
    """Tell whether a class is public, of a kind, and has the formulas that its kind must have."""
    from corenet.contracts.callback import Callback
    from corenet.contracts.elementwise_loss import ElementwiseLoss
    from corenet.contracts.initializer import Initializer
    from corenet.contracts.loss import Loss
    from corenet.contracts.metric import Metric
    from corenet.contracts.module import Module
    from corenet.contracts.optimizer import Optimizer
    from corenet.contracts.schedule import Schedule

    if cls.__name__.startswith("_") or inspect.isabstract(cls):
        return False
    formulas = {
        Module: ("forward",),
        ElementwiseLoss: ("elements",),
        Loss: ("forward",),
        Optimizer: ("update",),
        Schedule: ("__call__",),
        Metric: ("update",),
        Callback: ("begin", "after_epoch", "end"),
        Initializer: ("__call__",),
    }
    for contract, written in formulas.items():
        if issubclass(cls, contract):
            return any(getattr(cls, each) is not getattr(contract, each) for each in written)
    return False


@cache
def imported(path: str) -> ModuleType:
    """Import a file, or a module; what lies in the current folder can be imported too, as when Python runs it."""
    if is_file(path):
        return imported_file(path)
    sys.path.append("")
    try:
        return importlib.import_module(path)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"importing {path} raises {reason_of(error)}") from error
