"""What a plugin announces of a component, and the rows that the registry makes of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from corenet.errors import ConfigError
from corenet.registry.reason import Reason
from corenet.registry.sanitize import plain

Kind = Literal["module", "loss", "optimizer", "schedule", "metric", "callback", "initializer"]
KINDS: tuple[Kind, ...] = get_args(Kind)
EXPERIMENT: Any = "experiment"  # of a row that is no component, which none of the registry's ``components()`` is

Status = Literal["disabled", "incompatible", "broken", "shadowed", "ambiguous", "loaded", "declared"]
STATUSES: tuple[Status, ...] = get_args(Status)  # where several apply, the first wins


@dataclass(frozen=True)
class ComponentSpec:
    """A component as its plugin announces it: strings only, so that nothing is imported.

    Args:
        name: the name to ask for it by, lower case with underscores.
        target: where it is, ``"package.module:Class"``.
        summary: one line, or the formula.
        aliases: other names; they give way to names.
        tags: words to filter by.

    Raises:
        ConfigError: a field is not of these types.

    >>> ComponentSpec("swish", "corenet_swish:Swish", summary="x · sigmoid(x)").name
    'swish'
    """

    name: str
    target: str
    summary: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("name", "target", "summary"):
            self._expect(field, isinstance(getattr(self, field), str), "a string")
        for field in ("aliases", "tags"):
            # A bare string would pass for a tuple of its letters.
            value = getattr(self, field)
            fits = isinstance(value, tuple) and all(isinstance(each, str) for each in value)
            self._expect(field, fits, "a tuple of strings")

    def _expect(self, field: str, fits: bool, wanted: str) -> None:
        if not fits:
            value = getattr(self, field)
            raise ConfigError(f"ComponentSpec: {field} must be {wanted}, not {value!r}", name=field, value=value)


@dataclass(frozen=True)
class ExperimentSpec:
    """An experiment as its plugin announces it: where its file is.

    Args:
        name: the name to ask for it by, lower case with underscores.
        path: its file in a folder of the package, ``"package.folder:file.toml"``.

    Raises:
        ConfigError: a field is not a string.

    >>> ExperimentSpec("echo", "corenet_echo.experiments:echo.toml").name
    'echo'
    """

    name: str
    path: str

    def __post_init__(self) -> None:
        for field, value in (("name", self.name), ("path", self.path)):
            if not isinstance(value, str):
                message = f"ExperimentSpec: {field} must be a string, not {value!r}"
                raise ConfigError(message, name=field, value=value)


class _Row:
    """A row: text that plugins wrote is sanitized here, once, before anything prints it."""

    causes: tuple[Reason, ...]

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            clean = _sanitized(value) if isinstance(value, str) else tuple(map(_sanitized, value))
            object.__setattr__(self, field.name, clean)

    @property
    def reason(self) -> str:
        """Why it stands so, with the fix where one is known, in one line; empty if nothing is the matter."""
        return plain("; ".join(map(str, self.causes)))


def _sanitized(value: str | Reason) -> str | Reason:
    return plain(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Component(_Row):
    """A row of the registry: what was announced, by which plugin, and its status with the ``causes`` of it.

    An experiment has a row too, of the kind ``"experiment"``, whose ``target`` is its file. A plugin without a
    component, for one because it is broken, has a row of its own, of the kind ``"plugin"``, without a ``target``.
    """

    name: str
    kind: Kind | Literal["plugin"]
    distribution: str
    version: str
    status: Status
    summary: str = ""
    causes: tuple[Reason, ...] = ()
    target: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is never ambiguous within a kind."""
        return f"{self.distribution}:{self.name}"

    @property
    def usable(self) -> bool:
        """False if its plugin is disabled or incompatible, so that it may not even be imported."""
        return self.status not in ("disabled", "incompatible")


@dataclass(frozen=True)
class PluginRow(_Row):
    """A distribution that offers components, and its status with the ``causes`` of it.

    ``loaded`` means that its hooks answered, ``declared`` that nothing of it was imported.
    """

    distribution: str
    version: str
    author: str
    status: Status
    causes: tuple[Reason, ...] = ()

    def to_dict(self) -> dict[str, str]:
        """Return it as plain values, for JSON."""
        return {name: getattr(self, name) for name in ("distribution", "version", "author", "status", "reason")}
