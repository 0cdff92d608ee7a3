"""The settings for plugins in the environment: which may be used, and whether a broken one is an error.

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
from corenet.registry.reason import Reason
from corenet.registry.sanitize import canonical

DISABLE = "CORENET_DISABLE_PLUGINS"
ALLOW = "CORENET_PLUGINS"
AUTOLOAD = "CORENET_PLUGIN_AUTOLOAD"
STRICT = "CORENET_STRICT"

_ON_OR_OFF = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


@dataclass(frozen=True)
class Settings:
    """Which plugins may be used; distributions are spelled as in PEP 503. Built-in components are always usable.

    >>> print(Settings(disabled=frozenset({"corenet-swish"})).reason_against("corenet-swish"))
    CORENET_DISABLE_PLUGINS names corenet-swish; take it out to use the plugin
    """

    disabled: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None  # None: every one
    autoload: bool = True
    strict: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings that the environment has now.

        Raises:
            ConfigError: one that is on or off is set to something else; a mistyped safety setting must not be ignored.
        """
        return cls(
            disabled=_names(environment.get(DISABLE, "")),
            allowed=_names(environment[ALLOW]) if ALLOW in environment else None,
            autoload=_is_on(environment, AUTOLOAD, by_default=True),
            strict=_is_on(environment, STRICT, by_default=False),
        )

    def reason_against(self, distribution: str) -> Reason | None:
        """Return why ``distribution`` is disabled and how to enable it, or None if it is not."""
        if distribution in self.disabled:
            return _disabled(f"{DISABLE} names {distribution}", "take it out to use the plugin")
        if self.allowed is None and not self.autoload:
            return _disabled(f"{AUTOLOAD} is off", f"name {distribution} in {ALLOW} to use the plugin")
        if self.allowed is None or distribution in self.allowed:
            return None
        if not self.allowed:
            text = f"--no-plugins, or {ALLOW} set and empty, switches all plugins off"
            return _disabled(text, "leave it out to use them")
        return _disabled(f"{ALLOW} does not name {distribution}", "add it to use the plugin")


def _disabled(text: str, fix: str) -> Reason:
    return Reason("disabled", text, fix)


def _is_on(environment: Mapping[str, str], name: str, by_default: bool) -> bool:
    value = environment.get(name, "").strip()
    if value and value.lower() not in _ON_OR_OFF:
        raise ConfigError(f"{name} is 1 or 0, not {value!r}", name=name, value=value)
    return _ON_OR_OFF[value.lower()] if value else by_default


def _names(listed: str) -> frozenset[str]:
    return frozenset(canonical(name) for name in listed.split(",") if name.strip())
