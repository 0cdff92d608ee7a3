"""Lines that wrap between words on a terminal, and stay whole in a pipe or a file."""

from __future__ import annotations

import sys

import click

from corenet.text_width import display_width, terminal_width, wrap


def echo(line: str, *, indent: int = 0, err: bool = False) -> None:
    """Print a line; where the terminal is narrower, the rest of it goes on below, ``indent`` spaces in."""
    width = terminal_width(sys.stderr if err else sys.stdout)
    lines = [line] if display_width(line) <= width else wrap(line, width, rest=" " * indent)
    for each in lines:
        click.echo(each, err=err)
