"""The functions of a Python file or module that are no components, and that the checker of a plugin takes."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

from corenet.cli.component_file import FileComponent, components_in, imported, is_own, parts
from corenet.errors import ConfigError, did_you_mean
from corenet.registry.checkers import Checker, checkers

INSTALL = "functions that others wrote, such as PyTorch's, need a checker: pip install corenet-torch"


class FileFunction(NamedTuple):
    """A function of a file or module, its name such as ``swish.py:Swish``, and what it is called with, as text."""

    kind: str
    qualified_name: str
    inputs: str


def subjects_in(target: str, inputs: str | None) -> list[FileComponent] | list[FileFunction]:
    """Return the components of ``FILE.py``, ``FILE.py:Name`` or ``module:Name``; with ``inputs``, its functions.

    Raises:
        OutputError: the file cannot be read.
        ConfigError: it cannot be imported, has nothing to check, or the inputs are none.
        BrokenPluginError: a checker cannot be imported.
    """
    if inputs is not None:
        return functions_in(target, inputs)
    try:
        return components_in(target)
    except ConfigError as error:
        path, name = parts(target)
        module = imported(path)
        if name and name not in vars(module):
            raise
        found = [*_found(target, offered := checkers())]
        if found:
            raise ConfigError(
                f'{found[0]} is a function: say what it is called with, such as --inputs "float32[4,3]"'
            ) from error
        raise ConfigError(f"{error}" if offered else f"{error}; {INSTALL}") from error


def functions_in(target: str, inputs: str) -> list[FileFunction]:
    """Return the functions of ``FILE.py``, or the one that is ``FILE.py:Name`` or ``package.module:Name``.

    Raises:
        OutputError: the file cannot be read.
        ConfigError: it cannot be imported, has no function that a checker takes, or the inputs are none.
        BrokenPluginError: a checker cannot be imported.
    """
    offered = checkers()
    if not offered:
        raise ConfigError(INSTALL)
    for checker in offered:
        checker.read_inputs(inputs, 0)
    found = _found(target, offered)
    if not found:
        path, name = parts(target)
        what = f"{path}:{name} is no function that" if name else f"{path} defines no function of its own that"
        raise ConfigError(f"{what} can be checked; components need no --inputs")
    return [FileFunction("function", each, inputs) for each in found]


def checker_of(function: FileFunction) -> tuple[Checker, Any]:
    """Return who checks a function that :func:`functions_in` has found, and the function."""
    path, name = parts(function.qualified_name)
    subject = _named(imported(path), path, name)
    return next(each for each in checkers() if each.takes(subject)), subject


def _found(target: str, offered: list[Checker]) -> list[str]:
    path, name = parts(target)
    module = imported(path)
    if name:
        subject = _named(module, path, name)
        return [target] if any(each.takes(subject) for each in offered) else []
    return [
        f"{path}:{name}"
        for name, value in vars(module).items()
        if not name.startswith("_") and not _is_borrowed(value, module) and any(each.lists(value) for each in offered)
    ]


def _is_borrowed(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and not is_own(value, module)


def _named(module: ModuleType, path: str, name: str) -> Any:
    if name not in vars(module):
        raise ConfigError(f"{path} has no {name!r}{did_you_mean(name, vars(module))}")
    return vars(module)[name]
