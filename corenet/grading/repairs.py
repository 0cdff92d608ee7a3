"""The one edit of a submission's source that would make a wrong result right: it tells the line, and the kind."""

from __future__ import annotations

import ast
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import FunctionType
from typing import Any, NamedTuple

from corenet.grading.source import Source
from corenet.grading.written import Written
from corenet.testing.diagnosis.method_source import source_of
from corenet.testing.diagnosis.source_edits import Edit, Edited, Edits, edited


class Repair(NamedTuple):
    """An edit that makes it right, and the line that it is in."""

    edit: Edit
    line: int


def repair_of(
    written: Written,
    source: Source,
    edits: Sequence[Edits],
    is_right: Callable[[], bool],
    line: int | None,
    most: int,
    until: float,
) -> Repair | None:
    """Return the first edit after which ``is_right`` is true; None if there is none among ``most`` of each kind.

    In each function those of ``line`` are tried first. The search ends at ``until``, by the processor time of this
    process: what else the machine does has no part in a grade.
    """
    known: Repair
    for owner, name, function, known in source.repairs:  # one edit often mends several gradients
        with _in_place(owner, name, function):
            if is_right():
                return known
    functions = list(_functions(written, source))
    for kind in edits:
        trials = ((place, each) for place in functions for each in _edits_of(place, kind, line))
        for (owner, name, _), (function, edit, _, number) in islice(trials, most):
            if time.process_time() > until:
                return None
            with _in_place(owner, name, function):
                if is_right():
                    repair = Repair(edit, number)
                    source.repairs.append((owner, name, function, repair))
                    return repair
    return None


def _functions(written: Written, source: Source) -> Iterator[tuple[Any, str, FunctionType]]:
    """Yield the functions of a layer, backward first, each with what holds it."""
    if len(written.names) == 1:
        names = [name for name, each in vars(written.owner).items() if inspect.isfunction(inspect.unwrap(each))]
        for name in sorted(names, key=lambda name: name != "backward"):
            if name != "__init__":
                yield written.owner, name, inspect.unwrap(vars(written.owner)[name])
        return
    parts = [each.name for each in source.parts(written.names[::-1]) if isinstance(each, ast.FunctionDef)]
    for name in parts:
        if inspect.isfunction(function := getattr(written.owner, name, None)):
            yield written.owner, name, function


def _edits_of(place: tuple[Any, str, FunctionType], kind: Edits, line: int | None) -> Iterator[Edited]:
    _, _, function = place
    method = source_of(function)
    if method is None or any(isinstance(node, ast.While) for node in ast.walk(method.tree)):
        return  # after an edit such a loop may never end
    yield from edited(function, method, kind, first=line)


@contextmanager
def _in_place(owner: Any, name: str, function: FunctionType) -> Iterator[None]:
    """Put a function in the place of another for a while."""
    before = vars(owner)[name]
    setattr(owner, name, function)
    try:
        yield
    finally:
        setattr(owner, name, before)
