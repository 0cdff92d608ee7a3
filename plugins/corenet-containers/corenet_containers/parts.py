"""The modules that a container is made of: which ones it takes, and where among them an error comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from corenet import Module, ShapeError, StructureError
from torch import Tensor


def refuse_unfit(owner: str, modules: Sequence[object]) -> None:
    """Raise unless these are modules, at least one, and none occurs twice.

    Raises:
        StructureError: they are not; a module that ran twice would overwrite what it saved first.
    """
    if not modules:
        raise StructureError(f"{owner} holds at least one module, got none")
    seen: set[Module] = set()
    for place, module in enumerate(modules):
        if not isinstance(module, Module):
            hint = f"; write {module.__name__}()" if isinstance(module, type) else ""
            raise StructureError(f"{owner}[{place}] is {module!r}, not a Module{hint}")
        for _, each in module.named_modules():
            if each in seen:
                raise StructureError(
                    f"{owner}[{place}]: {type(each).__name__} occurs twice; make a second one, and tie weights with "
                    "b.weight = a.weight"
                )
            seen.add(each)


@contextmanager
def located(place: str) -> Iterator[None]:
    """Have a shape that a module inside cannot take reported with the place of that module."""
    try:
        yield
    except ShapeError as error:
        raise ShapeError(f"{place} {error.component}", error.shape, error.expected, source=error.source) from None


def only_output(owner: str, output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the output of a module that must have one only.

    Raises:
        StructureError: it has several.
    """
    if isinstance(output, tuple):
        raise StructureError(f"{owner} gives {len(output)} outputs, one is needed; put a Select(index) after it")
    return output


def listed(owner: str, modules: Sequence[Module]) -> str:
    """Return the repr of a container: a line for each module."""
    lines = (f"[{place}] {module!r}".replace("\n", "\n  ") for place, module in enumerate(modules))
    return f"{owner}(\n  " + "\n  ".join(lines) + "\n)"
