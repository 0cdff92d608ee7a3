"""Where plugins come from: the entry points of installed distributions.

Two ways to fulfil one contract. A *hook* plugin is a module in the entry-point group
``corenet`` with the hooks of :mod:`corenet.registry.hookspecs`. A *declared* component
is an entry point in ``corenet.modules``, ``corenet.losses`` or ``corenet.optimizers``
whose target is the class itself; those of one distribution are adapted into the same
hooks here, and listing them imports nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions

from corenet.registry.hookspecs import hookimpl
from corenet.registry.spec import KINDS, ComponentSpec, Kind

HOOK_GROUP = "corenet"
DECLARED_GROUPS: dict[str, Kind] = {f"corenet.{'losses' if kind == 'loss' else kind + 's'}": kind for kind in KINDS}


@dataclass(frozen=True)
class Plugin:
    """A source of components: one hook module, or the declarations of one distribution."""

    name: str
    distribution: str
    version: str
    author: str
    load: Callable[[], object]


class Declared:
    """The declared components of one distribution, behind the hooks that a module would have."""

    def __init__(self, entry_points: Iterable[EntryPoint], summary: str) -> None:
        self._specs: dict[Kind, list[ComponentSpec]] = {kind: [] for kind in KINDS}
        for entry_point in entry_points:
            spec = ComponentSpec(entry_point.name, entry_point.value.replace(" ", ""), summary)
            self._specs[DECLARED_GROUPS[entry_point.group]].append(spec)

    @hookimpl
    def corenet_modules(self) -> Iterable[ComponentSpec]:
        return self._specs["module"]

    @hookimpl
    def corenet_losses(self) -> Iterable[ComponentSpec]:
        return self._specs["loss"]

    @hookimpl
    def corenet_optimizers(self) -> Iterable[ComponentSpec]:
        return self._specs["optimizer"]


def discover() -> Iterator[Plugin]:
    """Yield the built-in plugin and then those of every installed distribution, importing none."""
    yield builtin_plugin()
    seen: set[str] = set()
    for distribution in distributions():
        # The first on the path is the one that imports; a second is stale metadata.
        try:
            name = canonical(distribution.metadata["Name"])
            if name in seen:
                continue
            seen.add(name)
            yield from _plugins_of(distribution, name)
        except Exception:  # noqa: BLE001, S112 - metadata that cannot be read costs its own distribution only
            continue


def builtin_plugin() -> Plugin:
    """Return the plugin that corenet itself ships, named as a string so that no import runs back."""
    from corenet import __version__

    load = partial(import_module, "corenet.builtin")
    return Plugin("corenet.builtin", "corenet", __version__, "The corenet authors", load)


def canonical(name: str) -> str:
    """Return a distribution's name in the spelling that PEP 503 compares.

    >>> canonical("Corenet_Swish")
    'corenet-swish'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def _plugins_of(distribution: Distribution, name: str) -> list[Plugin]:
    entry_points = list(distribution.entry_points)
    version = distribution.version
    author = distribution.metadata["Author"] or distribution.metadata["Author-email"] or ""
    plugins = [
        Plugin(f"{name}:{entry_point.name}", name, version, author, entry_point.load)
        for entry_point in entry_points
        if entry_point.group == HOOK_GROUP
    ]
    declared = [entry_point for entry_point in entry_points if entry_point.group in DECLARED_GROUPS]
    if declared:
        summary = distribution.metadata["Summary"] or ""
        plugins.append(Plugin(f"{name}:declared", name, version, author, partial(Declared, declared, summary)))
    return plugins
