"""What is wrong with how a plugin is installed, read from metadata: stale copies, entry points that nobody reads."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path

from corenet.registry.distributions import BUILTIN, GROUPS
from corenet.registry.doctor.findings import Finding
from corenet.registry.sanitize import canonical, plain

PREFIX = f"{BUILTIN}."


def misinstalled() -> dict[str, list[Finding]]:
    """Return the faults in the metadata of each distribution that is for corenet, by its name."""
    found = {}
    for name, copies in _copies().items():
        offered = [_offers(each) for each in copies]
        if name == BUILTIN or any(offered):
            found[name] = [*_of_copies(name, copies), *_of_groups(offered[0])]
    return found


def _copies() -> dict[str, list[Distribution]]:
    """Return every distribution on the path by its name, the one that counts first."""
    path = dict.fromkeys(str(Path(each).resolve()) for each in sys.path)  # a folder named twice is no second copy
    found: dict[str, list[Distribution]] = defaultdict(list)
    for each in distributions(path=list(path)):
        try:
            found[canonical(each.metadata["Name"])].append(each)
        except Exception:  # noqa: BLE001, S112 - half-removed metadata may raise anything; it has a row as a plugin
            continue
    return found


def _offers(distribution: Distribution) -> list[EntryPoint]:
    try:
        return [each for each in distribution.entry_points if each.group in GROUPS or _is_ours(each.group)]
    except Exception:  # noqa: BLE001 - as above
        return []


def _is_ours(group: str) -> bool:
    return group.lower().startswith(PREFIX)


def _of_copies(name: str, copies: list[Distribution]) -> Iterator[Finding]:
    if len(copies) > 1:
        places = ", ".join(f"{plain(each.version)} in {each.locate_file('')}" for each in copies)
        fix = f"pip uninstall {name} until there is none, then install it again"
        yield Finding("stale", f"installed {len(copies)} times, the first counts: {places}", fix)


def _of_groups(entry_points: list[EntryPoint]) -> Iterator[Finding]:
    for each in entry_points:
        if each.group not in GROUPS:
            known = [group.removeprefix(PREFIX) for group in GROUPS]  # the rest alone, for any two share the prefix
            close = get_close_matches(each.group.lower().removeprefix(PREFIX), known, n=1)
            fix = (
                f"call the group '{PREFIX}{close[0]}', and reinstall"
                if close
                else f"the groups are {', '.join(GROUPS)}"
            )
            yield Finding("group", f"{plain(each.name)} is in the group {plain(each.group)!r}, which nobody reads", fix)
