"""Faults of an installation, read from metadata: stale copies, entry points in groups that corenet does not read."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from corenet.registry.distributions import BUILTIN, GROUPS
from corenet.registry.doctor.findings import Finding
from corenet.registry.sanitize import canonical, plain

PREFIX = f"{BUILTIN}."


def metadata_faults() -> dict[str, list[Finding]]:
    """Return the faults in the metadata of each distribution that is for corenet, by its name."""
    found = {}
    for name, copies in _copies().items():
        offered = [_offers(each) for each in copies]
        if name == BUILTIN or any(offered):
            found[name] = [*_copy_findings(name, copies), *_group_findings(offered[0])]
    return found


def _copies() -> dict[str, list[Distribution]]:
    """Return every distribution on the path by its name, the one that Python imports first."""
    path = dict.fromkeys(str(Path(each).resolve()) for each in sys.path)  # the same folder twice is no second copy
    found: dict[str, list[Distribution]] = defaultdict(list)
    for each in distributions(path=list(path)):
        try:
            found[canonical(each.metadata["Name"])].append(each)
        except Exception:  # noqa: BLE001, S112 - half-removed metadata may raise anything; it has a row as a plugin
            continue
    return {name: _without_own_sources(copies) for name, copies in found.items()}


def _without_own_sources(copies: list[Distribution]) -> list[Distribution]:
    """Return the copies without the egg-info that an editable install leaves beside its own sources."""
    projects = [folder for each in copies if (folder := _editable_project(each))]
    return [each for each in copies if not any(_is_egg_info_in(each, folder) for folder in projects)]


def _editable_project(distribution: Distribution) -> Path | None:
    """Return the project's folder if it is an editable install (PEP 610)."""
    try:
        direct_url = json.loads(distribution.read_text("direct_url.json") or "{}")
        if direct_url.get("dir_info", {}).get("editable"):
            return Path(url2pathname(urlsplit(direct_url["url"]).path)).resolve()
    except Exception:  # noqa: BLE001 - damaged metadata may raise anything
        return None
    return None


def _is_egg_info_in(distribution: Distribution, folder: Path) -> bool:
    info = Path(str(getattr(distribution, "_path", "")))  # no public attribute has it
    return info.suffix == ".egg-info" and info.resolve().is_relative_to(folder)


def _offers(distribution: Distribution) -> list[EntryPoint]:
    try:
        return [each for each in distribution.entry_points if each.group in GROUPS or _is_ours(each.group)]
    except Exception:  # noqa: BLE001 - as above
        return []


def _is_ours(group: str) -> bool:
    return group.lower().startswith(PREFIX)


def _copy_findings(name: str, copies: list[Distribution]) -> Iterator[Finding]:
    if len(copies) > 1:
        places = ", ".join(f"{plain(each.version)} in {each.locate_file('')}" for each in copies)
        fix = f"pip uninstall {name} until there is none, then install it again"
        yield Finding("stale", f"installed {len(copies)} times, the first counts: {places}", fix)


def _group_findings(entry_points: list[EntryPoint]) -> Iterator[Finding]:
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
