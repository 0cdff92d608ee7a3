"""The installed distributions that offer something to corenet, read from their metadata: nothing is imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import TYPE_CHECKING

from corenet.registry.reason import Reason
from corenet.registry.sanitize import canonical, plain

if TYPE_CHECKING:
    from corenet.registry.spec import Kind

BUILTIN = "corenet"
HOOK_GROUP = "corenet"
DECLARED_GROUPS: dict[str, Kind] = {
    "corenet.modules": "module",
    "corenet.losses": "loss",
    "corenet.optimizers": "optimizer",
    "corenet.schedules": "schedule",
    "corenet.metrics": "metric",
    "corenet.callbacks": "callback",
    "corenet.initializers": "initializer",
}
COMMAND_GROUP = "corenet.commands"
CHECKER_GROUP = "corenet.checkers"
GROUPS = (HOOK_GROUP, *DECLARED_GROUPS, COMMAND_GROUP, CHECKER_GROUP)


@dataclass(frozen=True)
class PluginDistribution:
    """An installed distribution with entry points for corenet; ``fault`` says why nothing else is known of it."""

    name: str
    version: str = ""
    author: str = ""
    summary: str = ""
    requires: tuple[str, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    fault: Reason | None = None

    def group(self, *names: str) -> list[EntryPoint]:
        """Return the entry points of these groups."""
        return [each for each in self.entry_points if each.group in names]


def plugin_distributions() -> Iterator[PluginDistribution]:
    """Yield each distribution that offers something to corenet, in the order of the path.

    ``importlib.metadata.entry_points()`` would be one call instead of a loop, but it reads all
    distributions at once: one file that is not UTF-8, or a line without "=", and it raises for everybody.
    """
    seen = {BUILTIN}  # nobody else can pass for the built-in
    for distribution in distributions():
        found = _read(distribution)
        if found is None or found.name in seen:
            continue
        # The first on the path is the one that imports; a second is stale metadata.
        if found.fault is None:
            seen.add(found.name)
        yield found


def _read(distribution: Distribution) -> PluginDistribution | None:
    if not _is_for_corenet(distribution):
        return None
    try:
        entry_points = tuple(each for each in distribution.entry_points if each.group in GROUPS)
    except Exception:  # noqa: BLE001 - half-removed metadata may raise anything
        return _damaged(distribution, "entry_points.txt")
    if not entry_points:
        return None
    try:
        return _described(distribution, entry_points)
    except Exception:  # noqa: BLE001 - as above
        return _damaged(distribution, "METADATA")


def _described(distribution: Distribution, entry_points: tuple[EntryPoint, ...]) -> PluginDistribution:
    metadata = distribution.metadata

    def field(name: str) -> str:
        return plain(metadata[name]) if name in metadata else ""

    return PluginDistribution(
        canonical(metadata["Name"]),
        field("Version"),
        field("Author") or field("Author-email"),
        field("Summary"),
        tuple(metadata.get_all("Requires-Dist") or distribution.requires or ()),  # an egg-info has them elsewhere
        entry_points,
    )


def _is_for_corenet(distribution: Distribution) -> bool:
    """Return whether it seems so, without parsing, which would double the time of a listing."""
    try:
        return f"[{BUILTIN}" in (distribution.read_text("entry_points.txt") or "")
    except Exception:  # noqa: BLE001 - as above; for whom it is, is unknown then
        return False


def _damaged(distribution: Distribution, file: str) -> PluginDistribution:
    """Return a row for what cannot be read, named after its folder: ``corenet_swish-1.0.dist-info``."""
    folder = Path(str(getattr(distribution, "_path", "unknown")))  # no public attribute has it
    name, _, version = folder.stem.partition("-")
    fault = Reason("unreadable_metadata", f"its {file} in {folder} cannot be read", "reinstall it")
    return PluginDistribution(canonical(name), plain(version), fault=fault)
