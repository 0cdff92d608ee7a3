"""The option ``--no-plugins``, of the whole command line and of commands that list."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from corenet.registry.settings import ALLOW


@contextmanager
def _none_allowed() -> Iterator[None]:
    """Set an empty allow-list in the environment, so that it holds for child processes too."""
    before = os.environ.get(ALLOW)
    os.environ[ALLOW] = ""
    try:
        yield
    finally:
        if before is None:
            del os.environ[ALLOW]
        else:
            os.environ[ALLOW] = before


def _apply(context: click.Context, _: click.Parameter, chosen: bool) -> None:
    if chosen:
        context.with_resource(_none_allowed())


no_plugins = click.option(
    "--no-plugins",
    is_flag=True,
    is_eager=True,  # evaluated before --help, so that help names no command of a plugin
    expose_value=False,
    callback=_apply,
    help="Use no plugin, only built-in components.",
)
