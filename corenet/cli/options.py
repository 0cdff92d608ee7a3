"""The options that commands share, and what they do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from corenet.errors import DeviceError, MissingExtraError, OutputError

seed = click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Governs everything random.")
device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute; auto takes a GPU if there is one.",
)
json = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")


def out(folder: str) -> Callable[..., Any]:
    """Return the option ``--out DIR``, by default ``folder`` in the current one."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=folder,
        show_default=True,
        metavar="DIR",
        help="Output folder.",
    )


def device_for(name: str) -> str:
    """Return the device that ``--device`` means on this machine.

    Raises:
        DeviceError: a GPU is asked for and torch sees none.
    """
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise DeviceError("--device cuda: torch sees no GPU here; use --device cpu")
    if name == "auto":
        return "cuda" if available else "cpu"
    return name


def prepare(folder: Path) -> None:
    """Make ``folder``, and find out now, not after the training, whether it can be written.

    Raises:
        OutputError: it cannot.
    """
    probe = folder / ".corenet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}; choose another folder with --out") from error


def progress(quiet: bool) -> bool | None:
    """Return what :func:`corenet.fit` is to show: a bar on a terminal, nothing elsewhere."""
    return None if not quiet and sys.stderr.isatty() else False


def with_figures(draw: Callable[[], list[Path]]) -> list[Path]:
    """Return the figures that ``draw`` wrote, or none and a line that says what is missing."""
    try:
        return draw()
    except MissingExtraError as error:
        click.echo(f"no figures: {error}", err=True)
        return []
