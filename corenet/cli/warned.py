"""Warnings as lines of their own on stderr, for people who see no code."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from corenet.cli.echo import echo


@contextmanager
def warned_in_lines() -> Iterator[None]:
    """Print each warning meanwhile as one line, and once."""
    said: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        line = " ".join(str(message).split())
        if line not in said:
            echo(f"corenet: {line}", indent=2, err=True)
        said.add(line)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)  # all of ours, whoever asked for silence or errors elsewhere
        warnings.showwarning = show
        yield
