"""A chain of modules as a table for notebooks: what each is, and what it learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from corenet.contracts.parameter import is_frozen
from corenet.notebook.html_table import html_table

if TYPE_CHECKING:
    from corenet.contracts.module import Module
    from corenet.contracts.parameter import Parameter
    from corenet.contracts.sequential import Sequential

HEADING = ("LAYER", "MODULE", "SHAPES", "PARAMETERS")


def as_html(model: Sequential) -> str:
    """Return a row for each module that has none below it, with the shapes and the number of its parameters.

    Nothing is run for it, so that looking at a model between forward and backward costs it nothing.
    """
    every = model.parameters()
    frozen = sum(each.numel() for each in every if is_frozen(each))
    caption = f"Sequential: {sum(each.numel() for each in every):,} parameters"
    return html_table(caption + (f", {frozen:,} frozen" if frozen else ""), HEADING, _rows(model), right={3})


def _rows(model: Sequential) -> Iterator[tuple[str, ...]]:
    for path, module in model.named_modules():
        own = _own(module)
        if own or not _has_modules(module):
            shapes = ", ".join(f"{name} {tuple(each.shape)}" for name, each in own.items())
            frozen = " frozen" if own and all(map(is_frozen, own.values())) else ""
            name = repr(module).partition("\n")[0].removesuffix("(")
            yield path, name, shapes, f"{sum(each.numel() for each in own.values()):,}{frozen}" if own else ""


def _own(module: Module) -> dict[str, Parameter]:
    """Return the parameters of a module that are not those of one below it."""
    below = [path for path, _ in module.named_modules() if path]
    return {
        name: each for name, each in module.named_parameters() if not any(name.startswith(f"{path}.") for path in below)
    }


def _has_modules(module: Module) -> bool:
    return any(path for path, _ in module.named_modules())
