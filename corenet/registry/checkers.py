"""Checkers of third parties: entry points in the group ``corenet.checkers``.

Each is a module that checks what is no component, such as a function that somebody wrote for PyTorch. It is
imported when ``corenet check`` meets such a thing, and never when plugins are listed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, Protocol

from corenet import __version__
from corenet.errors import BrokenPluginError
from corenet.registry import compatibility
from corenet.registry.collect import UnusableTargetError, failure
from corenet.registry.distributions import CHECKER_GROUP, plugin_distributions
from corenet.registry.sanitize import plain
from corenet.registry.settings import Settings

if TYPE_CHECKING:
    from corenet.testing.report import Report


FUNCTIONS = ("lists", "takes", "read_inputs", "check")


class Checker(Protocol):
    """What a module in the group ``corenet.checkers`` has: four functions."""

    def lists(self, subject: object) -> bool:
        """Tell whether it is checked where the file or module alone is named that defines it."""

    def takes(self, subject: object) -> bool:
        """Tell whether it can be checked where it is named itself."""

    def read_inputs(self, text: str, seed: int) -> tuple[Any, ...]:
        """Return the arguments that ``--inputs`` describes, with random numbers of this seed.

        Raises:
            ConfigError: it is no description.
        """

    def check(
        self, subject: Any, inputs: tuple[Any, ...], *, name: str, seed: int, announce: Callable[[str], object]
    ) -> Report:
        """Return the report on what is called with such arguments; ``announce`` is told of each check before it.

        Raises:
            ConfigError: it cannot be checked with them.
        """


def load_checker(entry_point: EntryPoint) -> Checker:
    """Return the checker of an entry point, imported now.

    Raises:
        UnusableTargetError: it lacks one of the functions; its import may raise anything.
    """
    found: Checker = entry_point.load()
    for each in FUNCTIONS:
        if not callable(getattr(found, each, None)):
            raise UnusableTargetError("not_a_checker", f"{plain(entry_point.value)} has no function {each}")
    return found


def checkers() -> list[Checker]:
    """Return the checkers of all plugins that are not disabled, imported now.

    Raises:
        BrokenPluginError: one cannot be imported, or its plugin is made for another corenet.

    >>> all(callable(each.takes) for each in checkers())
    True
    """
    settings = Settings.from_environment()
    found = []
    for plugin in plugin_distributions():
        if settings.reason_against(plugin.name) is not None:
            continue
        for entry_point in plugin.group(CHECKER_GROUP):
            where = f"the checker {entry_point.name!r} of {plugin.name} cannot be used"
            if reason := compatibility.reason_against(plugin.requires, __version__):
                raise BrokenPluginError(f"{where}: {reason}", distribution=plugin.name)
            try:
                found.append(load_checker(entry_point))
            except (Exception, SystemExit) as error:
                raise BrokenPluginError(f"{where}: {failure(error)}", distribution=plugin.name) from error
    return found
