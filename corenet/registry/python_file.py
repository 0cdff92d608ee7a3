"""Importing a Python file that is no module of an installed package."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from corenet.errors import ConfigError, OutputError
from corenet.registry.collect import reason_of


@cache
def imported_file(path: str) -> ModuleType:
    """Import a file under a name of its own; what lies beside it can be imported too, as when Python runs it.

    Raises:
        OutputError: there is no such file.
        ConfigError: it cannot be imported.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise OutputError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"file_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # by which its classes can be pickled
    sys.path.append(str(file.parent))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        where = path if error.filename == str(file) else error.filename
        raise ConfigError(f"{where}:{error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"importing {path} raises {reason_of(error)}") from error
    return module
