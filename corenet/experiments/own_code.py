"""The functions that an experiment file may name: in a Python file beside it, and nowhere else."""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from corenet.errors import ConfigError
from corenet.registry.python_file import imported_file

logger = logging.getLogger("corenet")


def files_of(file: str, folder: Path) -> list[Path]:
    """Return a Python file and what it imports of those beside it, from ``folder``, each once."""
    found: list[Path] = []
    waiting = [Path(file)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.append(path)
            waiting += _beside(path, folder)
    return found


def _beside(path: Path, folder: Path) -> list[Path]:
    """Return the modules and the files of the packages in ``folder`` that a file imports."""
    names = {name.partition(".")[0] for name in _imports((folder / path).read_text(encoding="utf-8"))}
    names.discard("corenet")  # in a clone of it
    modules = [Path(f"{name}.py") for name in sorted(names) if (folder / f"{name}.py").is_file()]
    packages = [name for name in sorted(names) if (folder / name / "__init__.py").is_file()]
    return modules + [each.relative_to(folder) for name in packages for each in sorted((folder / name).rglob("*.py"))]


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def function_of(name: str, folder: Path) -> Callable[..., Any]:
    """Return the function that ``my_model.py:make`` stands for, of a file in ``folder``.

    A line in the log ``corenet`` says that the file is run.

    Raises:
        ConfigError: the file would lie elsewhere, cannot be imported, or has no such function.
        OutputError: there is no such file.
    """
    file, _, wanted = name.rpartition(":")
    if Path(file).name != file:
        raise ConfigError(
            f"{name}: a Python file must lie beside the experiment file, in {folder.resolve()}", name=name
        )
    logger.info("running %s, which the experiment file names", folder / file)
    function = getattr(imported_file(str(folder / file)), wanted, None)
    if not callable(function):
        raise ConfigError(f"{folder / file} has no function {wanted!r}", name=name)
    return function  # type: ignore[no-any-return]
