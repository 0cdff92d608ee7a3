"""What may change without being seen: which calls and values are such, and how a user is told of one."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import resolve_name
from types import FunctionType, ModuleType
from typing import Any

import numpy
import torch

from corenet.training.engines.recording.code_names import Names
from corenet.training.engines.recording.known_values import is_trusted, module_of

IMPURE = {"__import__", "breakpoint", "compile", "eval", "exec", "globals", "hash", "id", "input", "next", "open"}
# What functions of torch, or a look at who calls, read or set belongs to the whole process.
OF_THE_PROCESS = {
    *("default_generator", "from_dlpack", "get_default_device", "get_default_dtype", "get_rng_state"),
    *("get_num_threads", "initial_seed", "is_grad_enabled", "is_inference_mode_enabled", "manual_seed", "seed"),
    *("set_default_device", "set_default_dtype", "set_rng_state", "to_dlpack"),
    *(
        "are_deterministic_algorithms_enabled",
        "use_deterministic_algorithms",
        "get_deterministic_debug_mode",
        "backends",
    ),
    *("get_float32_matmul_precision", "set_float32_matmul_precision", "PRINT_OPTS", "_version"),
    *("errstate", "geterr", "seterr", "get_printoptions", "set_printoptions", "array2string"),
    *("fromfile", "fromregex", "genfromtxt", "loadtxt", "memmap"),  # files, which numpy reads
    "currentframe",
}
_FRAMES = {"f_back", "tb_frame", "gi_frame", "cr_frame", "ag_frame"}  # attributes that lead to who calls
# A file, a clock, and a look at who calls, where they are of these modules.
_OF_MODULES = {numpy: {"load", "datetime64"}, inspect: {"stack", "trace"}}
_VALUES = {  # the same, however code comes by them
    id(found): name
    for module, names in {torch: OF_THE_PROCESS, numpy: OF_THE_PROCESS | _OF_MODULES[numpy]}.items()
    for name in names
    if (found := vars(module).get(name)) is not None
} | {id(getattr(inspect, name)): name for name in ("currentframe", "stack", "trace")}

_READ_ONCE = "read it once, in __init__, and keep what it gave"
_FIXES = {
    "next": "take what it gives by an index, as [0], or in a for loop",
    "logging": "log outside of forward, backward and loss, such as in a callback",
    "queue": "keep a number that changes in a Buffer, written in place",
}


NOWHERE = "", ""  # where a walk is that did not leave the model's own code


@dataclass(frozen=True)
class Unseen:
    """Something that may change without being seen: its path, and where the walk left the model's own code for it.

    >>> print(Unseen("logging._lock", "logging in Net.forward", "logging"))
    logging in Net.forward, which may change without being seen (logging._lock)
    """

    path: str
    behind: str = ""
    module: str = ""

    def __str__(self) -> str:
        place, inside = (self.behind, f" ({self.path})") if self.behind else (self.path, "")
        return f"{place}, which may change without being seen{inside}"

    @property
    def fix(self) -> str:
        """What helps against it."""
        return _FIXES.get(self.module or self.path.partition("(")[0], _READ_ONCE)


class OwnCode:
    """The packages whose code is the model's own: that of its parts."""

    def __init__(self) -> None:
        self._packages: set[str] = set()

    def add(self, part: object) -> None:
        """Count the code of a part, and of what it inherits from."""
        self._packages |= {_package(each) for each in type(part).__mro__}

    def left(self, value: object, path: str) -> tuple[str, str]:
        """Return the place where a walk leaves this code if ``value`` is of other code, and of which; else NOWHERE."""
        is_code = isinstance(value, (ModuleType, FunctionType, type))
        package = _package(value if is_code else type(value))
        if package in self._packages or is_trusted(package):
            return NOWHERE
        return path if is_code else f"{path}, a {module_of(type(value))}.{type(value).__qualname__}", package


def _package(code: Any) -> str:
    """Return the package of a module, a function or a class."""
    if isinstance(code, type):
        return module_of(code).partition(".")[0]
    return str((vars(code) if isinstance(code, ModuleType) else code.__globals__).get("__name__")).partition(".")[0]


def unseen_in(function: FunctionType, names: Names, imported: Iterable[ModuleType]) -> list[str]:
    """Return what a function calls, or may, that does not give the same for the same."""
    known = function.__globals__.keys() & names.globals
    found = (names.globals - known) & IMPURE | names.attributes & OF_THE_PROCESS
    if function.__name__ == "__hash__":
        found -= {"hash"}  # which it makes of those of its parts
    reached = [*map(function.__globals__.get, known), *imported]
    for module, own in _OF_MODULES.items():
        if any(each is module for each in reached):
            found |= names.attributes & own
    return [*(f"{name}()" for name in sorted(found)), *sorted(names.attributes & _FRAMES)]


def imported_in(function: FunctionType, names: Names) -> Iterator[str]:
    """Yield the whole names of the modules that a function imports when it is called."""
    for name, dots in sorted(names.imports):
        yield resolve_name("." * dots + name, function.__globals__.get("__package__") or "")


def name_of(value: object) -> str | None:
    """Return the name of a value that looks at the whole process, or None if it is none.

    >>> name_of(torch.get_num_threads), name_of(torch.stack)
    ('get_num_threads', None)
    """
    return _VALUES.get(id(value))
