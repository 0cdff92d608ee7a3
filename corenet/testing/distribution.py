"""The components of a distribution, as rows of the registry."""

from __future__ import annotations

from corenet.errors import BrokenPluginError, UnknownComponentError, did_you_mean
from corenet.registry.registry import components
from corenet.registry.sanitize import canonical
from corenet.registry.spec import Component


def components_of(*distributions: str) -> list[Component]:
    """Return the components of distributions, such as ``components_of("corenet-swish")``.

    Raises:
        UnknownComponentError: there is no such distribution.
        BrokenPluginError: one fails to list its components, or has none.

    >>> [row.name for row in components_of("corenet")][:3]
    ['linear', 'dropout', 'flatten']
    """
    rows = components()
    known = {row.distribution for row in rows}
    for distribution in distributions:
        if canonical(distribution) not in known:
            owners = [row.distribution for row in rows if row.name == distribution]
            hint = f"; it is a component of {owners[0]}" if owners else did_you_mean(distribution, known)
            raise UnknownComponentError(
                f"no distribution {distribution!r} has components{hint}; corenet plugins lists them",
                name=distribution,
            )
    wanted = {canonical(each) for each in distributions}
    found = [row for row in rows if row.distribution in wanted]
    for row in found:
        if row.kind == "plugin":  # without a component every test would pass
            why = row.reason or "it has no component"
            raise BrokenPluginError(f"{row.name} cannot be tested: {why}", distribution=row.name)
    return found
