"""Which installed distributions offer something to corenet, as their metadata tells it: nothing is imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import TYPE_CHECKING

from corenet.registry.text import canonical, plain

if TYPE_CHECKING:
    from corenet.registry.spec import Kind

BUILTIN = "corenet"
HOOK_GROUP = "corenet"
DECLARED_GROUPS: dict[str, Kind] = {
    "corenet.modules": "module",
    "corenet.losses": "loss",
    "corenet.optimizers": "optimizer",
}
COMMAND_GROUP = "corenet.commands"
GROUPS = (HOOK_GROUP, *DECLARED_GROUPS, COMMAND_GROUP)


@dataclass(frozen=True)
class Installed:
    """A distribution with entry points for corenet; ``unreadable`` says why nothing else is known of it."""

    name: str
    version: str = ""
    author: str = ""
    summary: str = ""
    requires: tuple[str, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    unreadable: str = ""

    def group(self, *names: str) -> list[EntryPoint]:
        """Return the entry points of these groups."""
        return [each for each in self.entry_points if each.group in names]


def installed() -> Iterator[Installed]:
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
        if not found.unreadable:
            seen.add(found.name)
        yield found


def _read(distribution: Distribution) -> Installed | None:
    try:
        entry_points = tuple(each for each in distribution.entry_points if each.group in GROUPS)
    except Exception:  # noqa: BLE001 - half-removed metadata may raise anything
        return _malformed(distribution)
    if not entry_points:
        return None
    try:
        return _described(distribution, entry_points)
    except Exception:  # noqa: BLE001 - as above
        offers = ", ".join(each.name for each in entry_points)
        where = distribution.locate_file("")
        return Installed("unknown", unreadable=f"the metadata of what offers {offers} in {where} cannot be read")


def _described(distribution: Distribution, entry_points: tuple[EntryPoint, ...]) -> Installed:
    metadata = distribution.metadata

    def field(name: str) -> str:
        return plain(metadata[name]) if name in metadata else ""

    return Installed(
        canonical(metadata["Name"]),
        field("Version"),
        field("Author") or field("Author-email"),
        field("Summary"),
        tuple(metadata.get_all("Requires-Dist") or distribution.requires or ()),  # an egg-info has them elsewhere
        entry_points,
    )


def _malformed(distribution: Distribution) -> Installed | None:
    """Return a row for entry points that cannot be parsed, if they are for corenet as far as can be seen."""
    try:
        if f"[{BUILTIN}" not in (distribution.read_text("entry_points.txt") or ""):
            return None
        name, version = canonical(distribution.metadata["Name"]), plain(distribution.version)
    except Exception:  # noqa: BLE001 - as above; for whom it is, is unknown then
        return None
    return Installed(name, version, unreadable="its entry_points.txt cannot be parsed; reinstall it")
