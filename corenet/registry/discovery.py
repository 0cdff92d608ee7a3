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
from corenet.registry.text import plain

BUILTIN = "corenet"
HOOK_GROUP = "corenet"
DECLARED_GROUPS: dict[str, Kind] = {
    "corenet.modules": "module",
    "corenet.losses": "loss",
    "corenet.optimizers": "optimizer",
}


@dataclass(frozen=True)
class Plugin:
    """A source of components: one hook module, or the declarations of one distribution."""

    distribution: str
    version: str
    author: str
    load: Callable[[], object]


class Declared:
    """The declared components of one distribution, behind the hooks that a module would have."""

    def __init__(self, entry_points: Iterable[EntryPoint], summary: str) -> None:
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


def discover() -> Iterator[Plugin]:
    """Yield the built-in plugin and then those of every installed distribution, importing none."""
    yield builtin_plugin()
    seen = {BUILTIN}  # nobody else can pass for the built-in
    for distribution in distributions():
        entry_points = _entry_points(distribution)
        if not entry_points:
            continue
        try:
            name = canonical(distribution.metadata["Name"])
            plugins = _plugins_of(distribution, name, entry_points)
        except Exception:  # noqa: BLE001 - half-removed metadata may raise anything
            yield _nameless(distribution, entry_points)
            continue
        # The first on the path is the one that imports; a second is stale metadata.
        if name not in seen:
            seen.add(name)
            yield from plugins


def builtin_plugin() -> Plugin:
    """Return the plugin that corenet itself ships, named as a string so that no import runs back."""
    from corenet import __version__

    load = partial(import_module, "corenet.builtin")
    return Plugin(BUILTIN, __version__, "The corenet authors", load)


def canonical(name: str) -> str:
    """Return a distribution's name in the spelling that PEP 503 compares.

    >>> canonical("Corenet_Swish")
    'corenet-swish'
    """
    return re.sub(r"[-_.]+", "-", plain(name)).lower()


def _entry_points(distribution: Distribution) -> list[EntryPoint]:
    """Return the entry points that are for corenet; none if they cannot be read, for whom they are is unknown then."""
    try:
        return [each for each in distribution.entry_points if each.group == HOOK_GROUP or each.group in DECLARED_GROUPS]
    except Exception:  # noqa: BLE001 - as above
        return []


def _plugins_of(distribution: Distribution, name: str, entry_points: list[EntryPoint]) -> list[Plugin]:
    def field(name: str) -> str:
        metadata = distribution.metadata
        return metadata[name] if name in metadata else ""  # noqa: SIM401 - it promises no get

    hooks = [each for each in entry_points if each.group == HOOK_GROUP]
    declared = [each for each in entry_points if each.group in DECLARED_GROUPS]
    loads: list[Callable[[], object]] = [each.load for each in hooks]
    if declared:
        loads.append(partial(Declared, declared, field("Summary")))
    author = field("Author") or field("Author-email")
    return [Plugin(name, field("Version"), author, load) for load in loads]


def _nameless(distribution: Distribution, entry_points: list[EntryPoint]) -> Plugin:
    """Return a plugin that cannot be asked, for a distribution whose name cannot be read."""

    def fail() -> object:
        offers = ", ".join(each.name for each in entry_points)
        raise ImportError(f"the metadata of what offers {offers} in {distribution.locate_file('')} cannot be read")

    return Plugin("unknown", "", "", fail)
