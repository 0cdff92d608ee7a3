"""``corenet canary``: plugins tried against the core at hand and the oldest that each supports."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from corenet.canary.subject import subject_of
from corenet.canary.trial import Cell, Row, try_out
from corenet.cli import options
from corenet.cli.echo import echo
from corenet.errors import ConfigError
from corenet.text_table import text_table

COLUMNS = ("PLUGIN", "VERSION", "CORENET", "STATUS", "COMPONENTS")
TIMEOUT = 600.0  # for all that one plugin offers
COLOURS = {"passed": "green", "failed": "red", "not tried": "yellow"}


@click.command()
@click.argument("plugins", nargs=-1, metavar="[PLUGIN]...")
@click.option("-r", "--requirements", type=click.Path(path_type=Path), metavar="FILE", help="Also try what FILE lists.")
@click.option(
    "--timeout",
    type=options.Seconds(0, min_open=True),
    default=TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="How long the check of a plugin may take.",
)
@options.json
def command(plugins: tuple[str, ...], requirements: Path | None, timeout: float, as_json: bool) -> None:
    """Try each PLUGIN in a fresh environment, with this corenet and with the oldest that it says it supports.

    PLUGIN is a folder with its pyproject.toml, an installed distribution, or a requirement for pip
    (corenet-swish, "corenet-swish>=1.2"). pip installs it, and the conformance kit checks all that it offers.
    What this Python has installed, torch among it, is used and not installed anew.
    Exit code 1 if a check fails or a plugin cannot be installed.
    """
    subjects = list(dict.fromkeys(map(subject_of, [*plugins, *_listed(requirements)])))
    if not subjects:
        raise click.UsageError("give plugins: folders, names of distributions, or requirements")
    rows = []
    for subject in subjects:
        click.echo(f"trying {subject.name} …", err=True)
        rows.append(try_out(subject, timeout))
    if as_json:
        report = {"schema": 1, "ok": all(row.ok for row in rows), "plugins": [asdict(row) for row in rows]}
        options.print_json(report)
    else:
        _show(rows)
    if not all(row.ok for row in rows):
        click.get_current_context().exit(1)


def _listed(path: Path | None) -> list[str]:
    """Return the requirements in a file as ``corenet plugins --requirements`` writes it, corenet's own left out."""
    if path is None:
        return []
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return [line for line in lines if line and not line.startswith(("#", "corenet=="))]


def _show(rows: list[Row]) -> None:
    tried = [(row, cell) for row in rows for cell in row.cells]
    for line in text_table(COLUMNS, [_cells(row, cell) for row, cell in tried], right={4}):
        click.echo(line)
    for row, cell in tried:
        for text in (*cell.failures, *filter(None, [cell.reason])):
            echo(f"{row.distribution} with corenet {cell.core}: {text}", indent=2)


def _cells(row: Row, cell: Cell) -> tuple[str, ...]:
    status = click.style(cell.status, fg=COLOURS[cell.status])
    return row.distribution, row.version, cell.core, status, str(cell.components)
