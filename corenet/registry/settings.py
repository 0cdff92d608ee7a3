"""What the environment says of plugins: which may be used, and whether a broken one is an error.

- ``CORENET_DISABLE_PLUGINS=a,b``: all but these.
- ``CORENET_PLUGINS=a,b``: none but these; set and empty, none at all. ``--no-plugins`` is that.
- ``CORENET_PLUGIN_AUTOLOAD=0``: none but those that ``CORENET_PLUGINS`` names.
- ``CORENET_STRICT=1``: a broken plugin is an error.

The last two are on as ``1``, ``true``, ``yes`` or ``on``, off as ``0``, ``false``, ``no`` or ``off``, in any case;
set and empty is not set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from corenet.errors import ConfigError
from corenet.registry.sanitize import canonical

DISABLE = "CORENET_DISABLE_PLUGINS"
ALLOW = "CORENET_PLUGINS"
AUTOLOAD = "CORENET_PLUGIN_AUTOLOAD"
STRICT = "CORENET_STRICT"

_ON_OR_OFF = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


@dataclass(frozen=True)
class Switches:
    """The switches, with distributions in the spelling of PEP 503. They never reach what is built in.

    >>> Switches(disabled=frozenset({"corenet-swish"})).reason_against("corenet-swish")
    'CORENET_DISABLE_PLUGINS names corenet-swish; take it out to use the plugin'
    """

    disabled: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None  # None: every one
    autoload: bool = True
    strict: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Switches:
        """Return the switches as the environment sets them now.

        Raises:
            ConfigError: a switch that is on or off is set to something else, and a safety switch may not do nothing.
        """
        return cls(
            disabled=_names(environment.get(DISABLE, "")),
            allowed=_names(environment[ALLOW]) if ALLOW in environment else None,
            autoload=_is_on(environment, AUTOLOAD, by_default=True),
            strict=_is_on(environment, STRICT, by_default=False),
        )

    def reason_against(self, distribution: str) -> str:
        """Return why ``distribution`` is switched off and how to switch it on, or nothing."""
        if distribution in self.disabled:
            return f"{DISABLE} names {distribution}; take it out to use the plugin"
        if self.allowed is None:
            return "" if self.autoload else f"{AUTOLOAD} is off; name {distribution} in {ALLOW} to use the plugin"
        if distribution in self.allowed:
            return ""
        if not self.allowed:
            return f"--no-plugins, or {ALLOW} set and empty, switches all plugins off; leave it out to use them"
        return f"{ALLOW} does not name {distribution}; add it to use the plugin"


def _is_on(environment: Mapping[str, str], name: str, by_default: bool) -> bool:
    value = environment.get(name, "").strip()
    if value and value.lower() not in _ON_OR_OFF:
        raise ConfigError(f"{name} is 1 or 0, not {value!r}", name=name, value=value)
    return _ON_OR_OFF[value.lower()] if value else by_default


def _names(listed: str) -> frozenset[str]:
    return frozenset(canonical(name) for name in listed.split(",") if name.strip())
