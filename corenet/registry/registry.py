"""The registry: from plugins to rows, and from a name to a class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, overload

import pluggy

from corenet.errors import AmbiguousComponentError, BrokenComponentError, UnknownComponentError, did_you_mean
from corenet.registry import hookspecs
from corenet.registry.discovery import Plugin, builtin_plugin, canonical, discover
from corenet.registry.spec import KINDS, Component, ComponentSpec, Kind, PluginRow, Status

if TYPE_CHECKING:
    from corenet.contracts.loss import Loss
    from corenet.contracts.module import Module
    from corenet.contracts.optimizer import Optimizer

BUILTIN = "corenet"
_HOOKS: dict[str, str] = {"module": "corenet_modules", "loss": "corenet_losses", "optimizer": "corenet_optimizers"}
_CONTRACTS: dict[str, str] = {
    "module": "corenet.contracts.module:Module",
    "loss": "corenet.contracts.loss:Loss",
    "optimizer": "corenet.contracts.optimizer:Optimizer",
}


class Registry:
    """Every component that the plugins announce.

    Each plugin is loaded and asked in a guard of its own: a broken one becomes a row
    with its reason, and costs no other plugin anything.
    """

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._classes: dict[tuple[str, str], type] = {}
        self._broken: dict[tuple[str, str], str] = {}
        self._plugins: dict[str, PluginRow] = {}
        self._rows = _resolve([row for plugin in plugins for row in self._ask(plugin)])

    def components(self, kind: str | None = None) -> list[Component]:
        """Return the rows, of one kind or all, built-ins first; a broken plugin may be of any."""
        rows = (self._current(row) for row in self._rows)
        return [row for row in rows if kind is None or row.kind in (kind, "plugin")]

    def plugins(self) -> list[PluginRow]:
        """Return a row for each distribution that offers components, or tried to."""
        return list(self._plugins.values())

    def find(self, kind: str, name: str) -> Component:
        """Return the row that ``name`` means, plain or qualified.

        Raises:
            UnknownComponentError: there is none; the message names the closest.
            AmbiguousComponentError: several plugins have it; the message names them all.
        """
        if kind not in KINDS:
            raise UnknownComponentError(f"a component is a module, a loss or an optimizer, not a {kind!r}", name=kind)
        rows = [row for row in self.components(kind) if row.target]
        if ":" in name:
            distribution, _, bare = name.rpartition(":")
            wanted = f"{canonical(distribution)}:{bare}"
            matches = [row for row in rows if row.qualified_name == wanted]
        else:
            plain = [row for row in rows if row.name == name and row.status != "shadowed"]
            matches = plain or [row for row in rows if name in row.aliases]
        if not matches:
            known = {row.name for row in rows} | {row.qualified_name for row in rows}
            raise UnknownComponentError(
                f"there is no {kind} {name!r}{did_you_mean(name, known)}; corenet list-components shows all",
                name=name,
            )
        if len({row.qualified_name for row in matches}) > 1:
            candidates = sorted(row.qualified_name for row in matches)
            raise AmbiguousComponentError(
                f"{kind} {name!r} is registered by several plugins; use one of {', '.join(candidates)}",
                name=name,
                candidates=candidates,
            )
        return matches[0]

    def get(self, kind: str, name: str) -> type:
        """Return the class that ``name`` means, importing it now.

        Raises:
            BrokenComponentError: it cannot be imported, or breaks its contract.
        """
        row = self.find(kind, name)
        key = (kind, row.qualified_name)
        if row.status == "broken":
            raise BrokenComponentError(f"{kind} {row.qualified_name} is broken: {row.reason}")
        if key not in self._classes:
            try:
                self._classes[key] = _load(row)
            except (Exception, SystemExit) as error:
                self._broken[key] = f"{type(error).__name__}: {error}"
                raise BrokenComponentError(f"{kind} {row.qualified_name} is broken: {self._broken[key]}") from error
        return self._classes[key]

    def _current(self, row: Component) -> Component:
        """Return ``row`` with what has been learnt since by loading it."""
        key = (row.kind, row.qualified_name)
        if key in self._broken:
            return replace(row, status="broken", reason=self._broken[key])
        if key in self._classes and row.status == "declared":
            return replace(row, status="loaded")
        return row

    def _ask(self, plugin: Plugin) -> list[Component]:
        """Return a row for each component of one plugin, or one row that says why there is none."""
        try:
            implementation = plugin.load()
            self._manager.register(implementation, plugin.name)
            self._manager.check_pending()
            others = [each for each in self._manager.get_plugins() if each is not implementation]
            rows = [
                _row(plugin, kind, spec)
                for kind, hook in _HOOKS.items()
                for specs in self._manager.subset_hook_caller(hook, others)()
                for spec in specs
            ]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is its own row's reason
            if self._manager.has_plugin(plugin.name):
                self._manager.unregister(name=plugin.name)
            reason = f"{type(error).__name__}: {error}"
            name = plugin.distribution
            self._plugins[name] = _plugin_row(plugin, "broken", reason)
            return [Component(name, "plugin", name, plugin.version, "broken", reason=reason)]
        self._plugins.setdefault(plugin.distribution, _plugin_row(plugin, "loaded"))
        return rows


def _plugin_row(plugin: Plugin, status: Status, reason: str = "") -> PluginRow:
    return PluginRow(plugin.distribution, plugin.version, plugin.author, status, reason)


def _row(plugin: Plugin, kind: str, spec: ComponentSpec) -> Component:
    if not isinstance(spec, ComponentSpec):
        raise TypeError(f"{_HOOKS[kind]}() must yield ComponentSpec, not {spec!r}")
    return Component(
        spec.name,
        kind,
        plugin.distribution,
        plugin.version,
        "declared",
        spec.summary,
        target=spec.target,
        aliases=spec.aliases,
        tags=spec.tags,
    )


def _resolve(rows: list[Component]) -> list[Component]:
    """Mark the names that clash: a built-in's name is reserved, two strangers are ambiguous."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.status == "declared":
            owners[row.kind, row.name].add(row.distribution)

    def resolved(row: Component) -> Component:
        others = owners[row.kind, row.name] - {row.distribution}
        if row.status != "declared" or row.distribution == BUILTIN or not others:
            return row
        if BUILTIN in others:
            return replace(row, status="shadowed", reason=f"the built-in keeps the name; use {row.qualified_name}")
        return replace(row, status="ambiguous", reason=f"also in {', '.join(sorted(others))}; use {row.qualified_name}")

    return [resolved(row) for row in rows]


def _load(row: Component) -> type:
    found = _import_target(row.target)
    contract = _import_target(_CONTRACTS[row.kind])
    if not (isinstance(found, type) and issubclass(found, contract)):
        raise TypeError(f"{row.target} is not a {contract.__name__}")
    return found


def _import_target(target: str) -> Any:
    module, _, path = target.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


@cache
def registry() -> Registry:
    """Return the registry of this environment, made at the first call."""
    return Registry(discover())


def components(kind: Kind | None = None) -> list[Component]:
    """Return a row for every component that is installed, importing none of them.

    Each row has ``name, kind, distribution, version, status, summary, reason``.

    >>> [row.name for row in components("optimizer") if row.distribution == "corenet"]
    ['sgd']
    """
    return registry().components(kind)


@overload
def get(kind: Literal["module"], name: str) -> type[Module]: ...
@overload
def get(kind: Literal["loss"], name: str) -> type[Loss]: ...
@overload
def get(kind: Literal["optimizer"], name: str) -> type[Optimizer]: ...
def get(kind: Kind, name: str) -> type:
    """Return the class of a component by its name, plain or qualified by its distribution.

    Raises:
        UnknownComponentError: no component has the name.
        AmbiguousComponentError: several plugins have it.
        BrokenComponentError: it cannot be imported, or is not what its kind promises.

    >>> get("module", "linear")(2, 25)
    Linear(2 → 25)
    >>> get("module", "corenet:relu")()
    ReLU()
    """
    return registry().get(kind, name)


@cache
def builtin_classes() -> dict[str, Callable[[], type]]:
    """Return a loader for each built-in component, by the name of its class."""
    builtins = Registry([builtin_plugin()])
    return {row.target.rpartition(":")[2]: partial(builtins.get, row.kind, row.name) for row in builtins.components()}
