"""The registry: from plugins to rows, and from a name to a class."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal, overload

from corenet.errors import (
    AmbiguousComponentError,
    BrokenComponentError,
    BrokenPluginError,
    UnavailableComponentError,
    UnknownComponentError,
    did_you_mean,
)
from corenet.registry.collect import collect, failure
from corenet.registry.conflicts import by_distribution, resolve
from corenet.registry.discovery import Plugin, builtin_plugin, discover
from corenet.registry.distributions import BUILTIN
from corenet.registry.reason import Reason
from corenet.registry.sanitize import canonical
from corenet.registry.settings import STRICT, Settings
from corenet.registry.spec import EXPERIMENT, KINDS, Component, Kind, PluginRow
from corenet.registry.targets import article, load

if TYPE_CHECKING:
    from corenet.contracts.callback import Callback
    from corenet.contracts.initializer import Initializer
    from corenet.contracts.loss import Loss
    from corenet.contracts.metric import Metric
    from corenet.contracts.module import Module
    from corenet.contracts.optimizer import Optimizer
    from corenet.contracts.schedule import Schedule


class Registry:
    """Every component and every experiment that the plugins announce.

    Each plugin is loaded and its hooks are called in a guard of its own: a broken one
    becomes a row with its reason, and leaves all others usable.
    """

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        collected = [collect(plugin) for plugin in plugins]
        self._plugins = by_distribution(plugin for plugin, _ in collected)
        self._rows = resolve(row for _, rows in collected for row in rows)
        offering = {row.distribution for row in self._rows if row.kind != EXPERIMENT}
        for plugin in self._plugins:
            if plugin.status == "broken" or plugin.distribution not in offering:
                self._rows.append(_row_of(plugin))
        self._loaded: dict[tuple[str, str], Any] = {}
        self._broken: dict[tuple[str, str], Reason] = {}

    def components(self, kind: str | None = None) -> list[Component]:
        """Return the rows, of one kind or all, built-ins first; a plugin row with a reason is of every kind."""
        rows = (self._current(row) for row in self._rows if row.kind != EXPERIMENT)
        return [row for row in rows if kind is None or row.kind == str(kind) or (row.kind == "plugin" and row.reason)]

    def experiments(self) -> list[Component]:
        """Return a row for each experiment, built-ins first."""
        return [self._current(row) for row in self._rows if row.kind == EXPERIMENT]

    def plugins(self) -> list[PluginRow]:
        """Return a row for each distribution that offers components, or tried to."""
        return list(self._plugins)

    def find(self, kind: str, name: str) -> Component:
        """Return the row that ``name`` means, plain or qualified.

        Raises:
            UnknownComponentError: there is none; the message names the closest.
            AmbiguousComponentError: several plugins have it; the message names them all.
        """
        if not isinstance(kind, str) or kind not in (*KINDS, EXPERIMENT):
            kinds = ", ".join(map(repr, KINDS))
            raise UnknownComponentError(
                f"there is no kind {kind!r}{did_you_mean(str(kind), KINDS)}; the kinds of components are {kinds}"
            )
        if not isinstance(name, str):
            raise UnknownComponentError(f"the name of a {kind} is a string, not {name!r}")
        matches = self._matches(kind, name)
        if not matches:
            lister = "reproduce" if kind == EXPERIMENT else "list-components"
            raise UnknownComponentError(
                f"there is no {kind} {name!r}{self.meant(name, kind)}; corenet {lister} shows all", name=name
            )
        if len(matches) > 1:
            candidates = sorted(row.qualified_name for row in matches)
            raise AmbiguousComponentError(
                f"{kind} {name!r} is registered by several plugins; use one of {', '.join(candidates)}",
                name=name,
                candidates=candidates,
            )
        return self._current(matches[0])

    def find_all(self, name: str, kinds: Iterable[str] = KINDS) -> list[Component]:
        """Return the row that ``name`` means in each of the kinds that have one."""
        found = []
        for kind in kinds:
            with suppress(UnknownComponentError):
                found.append(self.find(kind, name))
        return found

    def meant(self, name: str, *kinds: str, others: Iterable[str] = ()) -> str:
        """Return what an unknown name likely means: it is of another kind, or close to a known one or ``others``."""
        for kind in KINDS:
            if kind not in kinds and self._matches(kind, name):
                return f" ({name!r} is {article(kind)} {kind})"
        return did_you_mean(name, [*self.names(*kinds), *others])

    def names(self, *kinds: str) -> set[str]:
        """Return every name that :meth:`find` takes: plain ones, qualified ones, aliases."""
        rows = [row for row in self._rows if row.kind in kinds]
        return {name for row in rows for name in (row.name, row.qualified_name, *row.aliases)}

    def get(self, kind: str, name: str) -> type:
        """Return the class, or the experiment, that ``name`` means, importing or reading it now.

        Raises:
            BrokenComponentError: it cannot be imported, or breaks its contract.
            UnavailableComponentError: its plugin is disabled or incompatible.
        """
        row = self.find(kind, name)
        key = (kind, row.qualified_name)
        if not row.usable:
            message = f"{kind} {row.qualified_name} is {row.status}: {row.reason}"
            raise UnavailableComponentError(message, component=row.qualified_name, status=row.status)
        if row.status == "broken":
            raise BrokenComponentError(f"{kind} {row.qualified_name} is broken: {row.reason}")
        if key not in self._loaded:
            try:
                self._loaded[key] = load(row)
            except (Exception, SystemExit) as error:
                self._broken[key] = failure(error)
                raise BrokenComponentError(f"{kind} {row.qualified_name} is broken: {self._broken[key]}") from error
        found: type = self._loaded[key]
        return found

    def _matches(self, kind: str, name: str) -> list[Component]:
        rows = [row for row in self._rows if row.kind == kind]
        if ":" in name:
            distribution, _, bare = name.rpartition(":")
            wanted = f"{canonical(distribution)}:{bare}"
            return [row for row in rows if row.qualified_name == wanted]
        usable = [row for row in rows if row.usable]
        named = _named(usable, name) or _named(rows, name)
        return [row for row in named if row.distribution == BUILTIN] or named

    def _current(self, row: Component) -> Component:
        """Return ``row`` with the status that loading it has given it since."""
        key = (row.kind, row.qualified_name)
        if key in self._broken:
            return replace(row, status="broken", causes=(self._broken[key],))
        if key in self._loaded and row.status == "declared":
            return replace(row, status="loaded")
        return row


def _named(rows: list[Component], name: str) -> list[Component]:
    """Return the rows that a plain name means; an alias gives way to a name."""
    return [row for row in rows if row.name == name] or [row for row in rows if name in row.aliases]


def _row_of(plugin: PluginRow) -> Component:
    name = plugin.distribution
    return Component(name, "plugin", name, plugin.version, plugin.status, causes=plugin.causes)


def registry(static: bool = False) -> Registry:
    """Return the registry under the settings of this moment; a ``static`` one imports no hook module.

    Raises:
        BrokenPluginError: a plugin is broken, and ``CORENET_STRICT=1``.
    """
    return registry_under(Settings.from_environment(), static)


@cache
def registry_under(settings: Settings, static: bool = False) -> Registry:
    """Return the registry under these settings, made at the first call."""
    made = Registry(discover(settings, static))
    if settings.strict:
        _refuse_broken(made)
    return made


def _refuse_broken(made: Registry) -> None:
    for row in made.components():
        if row.status == "broken":
            where = row.distribution if row.kind == "plugin" else f"{row.kind} {row.qualified_name}"
            raise BrokenPluginError(f"{where} is broken, and {STRICT}=1: {row.reason}", distribution=row.distribution)


def components(kind: Kind | None = None) -> list[Component]:
    """Return a row for every component that is installed, importing none of them.

    Each row has ``name, kind, distribution, version, status, summary, reason``.

    >>> [row.summary for row in components("optimizer") if row.name == "sgd"]
    ['v ← μ v + g; w ← w − η v']
    """
    return registry().components(kind)


@overload
def get(kind: Literal["module"], name: str) -> type[Module]: ...
@overload
def get(kind: Literal["loss"], name: str) -> type[Loss]: ...
@overload
def get(kind: Literal["optimizer"], name: str) -> type[Optimizer]: ...
@overload
def get(kind: Literal["schedule"], name: str) -> type[Schedule]: ...
@overload
def get(kind: Literal["metric"], name: str) -> type[Metric]: ...
@overload
def get(kind: Literal["callback"], name: str) -> type[Callback]: ...
@overload
def get(kind: Literal["initializer"], name: str) -> type[Initializer]: ...
def get(kind: Kind, name: str) -> type:
    """Return the class of a component by its name, plain or qualified by its distribution.

    Raises:
        UnknownComponentError: no component has the name.
        AmbiguousComponentError: several plugins have it.
        BrokenComponentError: it cannot be imported, or is not what its kind promises.
        UnavailableComponentError: its plugin is disabled, or made for another corenet.
        BrokenPluginError: any plugin is broken, and ``CORENET_STRICT=1``.

    >>> get("module", "linear")(2, 25)
    Linear(2 → 25)
    >>> get("module", "corenet:relu")()
    ReLU()
    """
    return registry().get(kind, name)


@cache
def builtins() -> Registry:
    """Return the registry of the built-in components alone: no plugin is looked at."""
    return Registry([builtin_plugin()])


@cache
def builtin_classes() -> dict[str, Callable[[], type]]:
    """Return a loader for each built-in component, by the name of its class."""
    get = builtins().get
    return {row.target.rpartition(":")[2]: partial(get, row.kind, row.name) for row in builtins().components()}
