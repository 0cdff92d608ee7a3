"""What is watched while a student's code runs: borrowed gradients, files of the grader, replaced functions."""

from __future__ import annotations

import builtins
import json
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from corenet.contracts import guarded, loss, module, parameter
from corenet.testing.support.no_autograd import no_autograd

OWN = str(Path(__file__).resolve().parent)
FILES = frozenset({"open"})  # not of a folder: Python itself looks into those from which it imports
# The modules that a student must not change: a grader whose comparisons are replaced finds everything right.
LIBRARIES: tuple[ModuleType, ...] = (builtins, json, np, torch, guarded, loss, module, parameter)


class Watch:
    """Which files of the grader, or of the assignment, were opened by a student's code."""

    def __init__(self) -> None:
        self.forbidden: tuple[str, ...] = (OWN,)
        self.allowed = Path()  # the submission, which may lie beside the assignment
        self.opened: list[str] = []
        self.on = False
        self.hooked = False

    def hook(self) -> None:
        """Begin to be told; a hook of Python cannot be taken back, so there is one."""
        if not self.hooked:
            self.hooked = True
            sys.addaudithook(self._seen)

    def _seen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (
            not self.on
            or event not in FILES
            or not arguments
            or not isinstance(arguments[0], str | bytes | os.PathLike)
        ):
            return
        path = Path(os.path.abspath(os.fsdecode(arguments[0])))
        is_forbidden = any(path.is_relative_to(each) for each in self.forbidden)
        if is_forbidden and not self._is_own(path) and not _for_a_traceback():
            self.opened.append(str(path))

    def _is_own(self, path: Path) -> bool:
        """Tell whether a file is the submission, or what Python keeps of it."""
        is_kept = path.parent == self.allowed.parent / "__pycache__"
        return path == self.allowed or (is_kept and path.name.startswith(f"{self.allowed.stem}."))


def _for_a_traceback() -> bool:
    """Tell whether Python reads a file to show a line of it: students may print their errors."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_filename == traceback.__file__:
            return True
    return False


WATCH = Watch()


@contextmanager
def running() -> Iterator[None]:
    """Run a student's code: without autograd, without warnings, seen if it opens what it must not.

    A new tensor has the float64 of the inputs, as in NumPy: in training both would be float32.
    """
    if WATCH.on:
        yield
        return
    WATCH.on = True
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with no_autograd(), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(usual)
        WATCH.on = False


def snapshot() -> list[dict[str, Any]]:
    """Return what the libraries hold now."""
    return [dict(vars(each)) for each in LIBRARIES]


def replaced(before: list[dict[str, Any]]) -> list[str]:
    """Return what the libraries hold no longer as they did at a :func:`snapshot`, such as ``numpy.abs``."""
    return [
        f"{library.__name__}.{name}"
        for library, held in zip(LIBRARIES, before, strict=True)
        for name, value in held.items()
        if vars(library).get(name) is not value and not name.startswith("__") and callable(value)
    ]
