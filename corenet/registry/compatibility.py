"""Whether a plugin fits this corenet, read from its own ``Requires-Dist`` before anything of it is imported."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable

from corenet.registry.reason import Reason
from corenet.registry.sanitize import canonical

Release = tuple[int, ...]

_PARTS = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^]]*\])?\s*([^;]*?)\s*(?:;\s*(.*\S)\s*)?")
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*([0-9]+(?:\.[0-9]+)*)\s*")
_EXTRA = re.compile(r"extra\s*==\s*(['\"])[^'\"]*\1")
_COMPARE: dict[str, Callable[[Release, Release], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


def reason_against(requirements: Iterable[str], version: str) -> Reason | None:
    """Return why this ``version`` of corenet does not meet the requirements, or None if it does.

    A pre-release counts as its release: who tries a plugin on 0.2rc1 wants to know of 0.2.

    >>> print(reason_against(["corenet>=99"], "0.1.0"))
    it needs corenet>=99 and this is corenet 0.1.0; pip install 'corenet>=99', or another version of the plugin
    >>> reason_against(["corenet>=0.2,<1", "torch"], "0.2rc1") is None
    True
    """
    release = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    for requirement in requirements:
        if release and _is_about_corenet(requirement) and not _fits(requirement, release[0]):
            wanted = requirement.partition(";")[0].strip()
            return Reason(
                "incompatible",
                f"it needs {wanted} and this is corenet {version}",
                f"pip install '{wanted}', or another version of the plugin",
            )
    return None


def _is_about_corenet(requirement: str) -> bool:
    name = re.match(r"\s*([A-Za-z0-9][\w.-]*)", requirement)
    return name is not None and canonical(name[1]) == "corenet"


def _fits(requirement: str, release: str) -> bool:
    """Return whether the requirement is met. The ordinary ones need no ``packaging``, whose import costs a listing."""
    parts = _PARTS.fullmatch(requirement)
    if parts and parts[3] and _EXTRA.fullmatch(parts[3]):
        return True  # required by an extra only, and which extras were installed is not recorded
    if parts and not parts[3]:
        clauses = [_CLAUSE.fullmatch(clause) for clause in parts[2].split(",") if clause.strip()]
        if all(clauses):
            return all(_COMPARE[clause[1]](_key(release), _key(clause[2])) for clause in clauses if clause)
    return _fits_by_packaging(requirement, release)


def _fits_by_packaging(requirement: str, release: str) -> bool:
    from packaging.requirements import Requirement

    try:
        parsed = Requirement(requirement)
        if parsed.marker and not parsed.marker.evaluate({"extra": ""}):
            return True
        return parsed.specifier.contains(release)
    except ValueError:  # its meaning is unknown, so the plugin is not refused for it
        return True


def _key(release: str) -> Release:
    """Return a release as numbers that compare: 1.0 is 1."""
    numbers = [int(each) for each in release.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
