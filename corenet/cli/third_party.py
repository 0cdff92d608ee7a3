"""Commands of third parties: entry points in the group ``corenet.commands``.

Each is known by the name of its entry point and the summary of its distribution, and
imported when it is called. Nobody can replace a command of corenet's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from textwrap import shorten

import click

from corenet import __version__
from corenet.errors import AmbiguousComponentError, BrokenPluginError
from corenet.registry import compatibility
from corenet.registry.distributions import COMMAND_GROUP, PluginDistribution, plugin_distributions
from corenet.registry.reason import Reason
from corenet.registry.sanitize import NAME
from corenet.registry.settings import Settings

LINE = 60


@dataclass(frozen=True)
class ThirdParty:
    """A command that a plugin offers, not yet imported."""

    name: str
    plugin: PluginDistribution
    entry_point: EntryPoint

    @property
    def line(self) -> str:
        """Its summary in one line, and its distribution."""
        return f"{shorten(self.plugin.summary, LINE, placeholder='…')} [{self.plugin.name}]".strip()

    def load(self) -> click.Command:
        """Return the command, imported now.

        Raises:
            BrokenPluginError: it cannot be imported, is no command, or its plugin is made for another corenet.
        """
        from corenet.registry.collect import failure, load_command  # not at the top: they import pluggy

        if reason := compatibility.reason_against(self.plugin.requires, __version__):
            raise self._broken(reason)
        try:
            return load_command(self.entry_point)
        except (Exception, SystemExit) as error:
            raise self._broken(failure(error)) from error

    def _broken(self, reason: Reason) -> BrokenPluginError:
        message = f"the command {self.name!r} of {self.plugin.name} cannot be used: {reason}"
        return BrokenPluginError(message, distribution=self.plugin.name)


def commands() -> Iterator[ThirdParty]:
    """Yield every command of a plugin that is not disabled, importing none."""
    settings = Settings.from_environment()
    for plugin in plugin_distributions():
        if settings.reason_against(plugin.name) is None:
            for entry_point in plugin.group(COMMAND_GROUP):
                if NAME.fullmatch(entry_point.name):
                    yield ThirdParty(entry_point.name, plugin, entry_point)


def find(name: str) -> click.Command | None:
    """Return the command called ``name``, or nothing.

    Raises:
        AmbiguousComponentError: several plugins offer it.
        BrokenPluginError: it cannot be used.
    """
    found = sorted((each for each in commands() if each.name == name), key=lambda each: each.plugin.name)
    if len(found) > 1:
        offering = [command.plugin.name for command in found]
        raise AmbiguousComponentError(
            f"the command {name!r} is offered by {', '.join(offering)}; switch off all but one "
            "with CORENET_DISABLE_PLUGINS",
            name=name,
            candidates=offering,
        )
    return found[0].load() if found else None
