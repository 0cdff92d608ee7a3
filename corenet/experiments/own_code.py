"""The functions that an experiment file may name: in a Python file beside it, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corenet.errors import ConfigError
from corenet.registry.python_file import imported_file

logger = logging.getLogger("corenet")


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
