"""What a plugin says of a component, and what the registry makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["module", "loss", "optimizer"]
KINDS: tuple[Kind, ...] = ("module", "loss", "optimizer")

Status = Literal["declared", "loaded", "broken", "disabled", "incompatible", "shadowed", "ambiguous"]


@dataclass(frozen=True)
class ComponentSpec:
    """A component as its plugin announces it: strings only, so that nothing is imported.

    Args:
        name: the name to ask for it by, lower case with underscores.
        target: where it is, ``"package.module:Class"``.
        summary: one line, or the formula.
        aliases: other names; they give way to names.
        tags: words to filter by.

    >>> ComponentSpec("swish", "corenet_swish:Swish", summary="x · sigmoid(x)").name
    'swish'
    """

    name: str
    target: str
    summary: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Component:
    """A row of the registry: what was announced, who announced it, and how it stands.

    A plugin that could not be asked has a row of its own, of the kind ``"plugin"``, without a ``target``.
    """

    name: str
    kind: str
    distribution: str
    version: str
    status: Status
    summary: str = ""
    reason: str = ""
    target: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is never ambiguous within a kind."""
        return f"{self.distribution}:{self.name}"


@dataclass(frozen=True)
class PluginRow:
    """A distribution that offers components, and how it stands."""

    distribution: str
    version: str
    author: str
    status: Status
    reason: str = ""
