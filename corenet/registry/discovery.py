"""From installed distributions to plugins whose components can be collected.

Two ways to fulfil one contract. A *hook* plugin is a module in the entry-point group
``corenet`` with the hooks of :mod:`corenet.registry.hookspecs`. A *declared* component
is an entry point in a group of its kind, such as ``corenet.modules``, whose target is the
class itself; those of one distribution are adapted into the same hooks here, and listing
them imports nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint

from corenet.registry import compatibility
from corenet.registry.distributions import (
    BUILTIN,
    DECLARED_GROUPS,
    HOOK_GROUP,
    PluginDistribution,
    plugin_distributions,
)
from corenet.registry.hookspecs import hookimpl
from corenet.registry.reason import Reason
from corenet.registry.settings import Settings
from corenet.registry.spec import KINDS, ComponentSpec, Kind, Status

NOT_IMPORTED = Reason("not_imported", "its hook module was not imported")


@dataclass(frozen=True)
class Plugin:
    """A source of components: one hook module, or the declarations of one distribution.

    A ``status`` other than declared holds for all of it, and then ``load`` imports nothing.
    """

    distribution: str
    version: str
    author: str
    load: Callable[[], object]
    status: Status = "declared"
    causes: tuple[Reason, ...] = ()


class Declared:
    """The declared components of one distribution, behind the hooks that a module would have."""

    def __init__(self, entry_points: Iterable[EntryPoint] = (), summary: str = "") -> None:
        self._specs: dict[Kind, list[ComponentSpec]] = {kind: [] for kind in KINDS}
        for entry_point in entry_points:
            target = entry_point.value.partition("[")[0].replace(" ", "")  # extras may follow: "package:Class [plot]"
            self._specs[DECLARED_GROUPS[entry_point.group]].append(ComponentSpec(entry_point.name, target, summary))

    @hookimpl
    def corenet_modules(self) -> Iterable[ComponentSpec]:
        return self._specs["module"]

    @hookimpl
    def corenet_losses(self) -> Iterable[ComponentSpec]:
        return self._specs["loss"]

    @hookimpl
    def corenet_optimizers(self) -> Iterable[ComponentSpec]:
        return self._specs["optimizer"]

    @hookimpl
    def corenet_schedules(self) -> Iterable[ComponentSpec]:
        return self._specs["schedule"]

    @hookimpl
    def corenet_metrics(self) -> Iterable[ComponentSpec]:
        return self._specs["metric"]

    @hookimpl
    def corenet_callbacks(self) -> Iterable[ComponentSpec]:
        return self._specs["callback"]

    @hookimpl
    def corenet_initializers(self) -> Iterable[ComponentSpec]:
        return self._specs["initializer"]


def discover(settings: Settings | None = None, static: bool = False) -> Iterator[Plugin]:
    """Yield the built-in plugin and then those of every installed distribution, importing none.

    Args:
        settings: which plugins may be used; by default those of the environment.
        static: keep hook modules from being imported later too.
    """
    yield builtin_plugin()
    settings = settings or Settings.from_environment()
    for each in plugin_distributions():
        yield from _plugins_of(each, *_status(each, settings), static)


def builtin_plugin() -> Plugin:
    """Return the plugin that corenet itself ships, named as a string so that no import runs back."""
    from corenet import __version__

    load = partial(import_module, "corenet.builtin")
    return Plugin(BUILTIN, __version__, "The corenet authors", load)


def _status(each: PluginDistribution, settings: Settings) -> tuple[Status, tuple[Reason, ...]]:
    """Return the status of a distribution by its metadata alone, and its gravest cause."""
    from corenet import __version__

    if reason := settings.reason_against(each.name):
        return "disabled", (reason,)
    if reason := compatibility.reason_against(each.requires, __version__):
        return "incompatible", (reason,)
    return ("broken", (each.fault,)) if each.fault else ("declared", ())


def _plugins_of(each: PluginDistribution, status: Status, causes: tuple[Reason, ...], static: bool) -> Iterator[Plugin]:
    """Yield a plugin for what a distribution declares, even if that is nothing, and one for each hook module."""
    about = (each.name, each.version, each.author)
    hooks, declared = each.group(HOOK_GROUP), each.group(*DECLARED_GROUPS)
    for hook in hooks:
        if status != "declared":
            yield Plugin(*about, Declared, status, causes)
        elif static:
            yield Plugin(*about, Declared, causes=(NOT_IMPORTED,))
        else:
            yield Plugin(*about, hook.load)
    if declared or not hooks:
        yield Plugin(*about, partial(Declared, declared, each.summary), status, causes)
