"""``corenet doctor``: every plugin, imported where it can do no harm, and what to do about it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator

import click

from corenet.cli import options
from corenet.registry.doctor.examine import LIMIT, Health, examine
from corenet.registry.doctor.findings import Finding

COLUMNS = ("PLUGIN", "VERSION", "STATUS", "LISTED", "IMPORTED")
LABEL = 16
COLOURS = {"loaded": "green", "broken": "red"}


@click.command()
@click.argument("distribution", required=False, metavar="[DIST]")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=LIMIT,
    show_default=True,
    metavar="SECONDS",
    help="How long the import of a plugin may take.",
)
@options.json
def command(distribution: str | None, timeout: float, as_json: bool) -> None:
    """Import every plugin, or that of DIST, and say what is wrong with it and how to mend it.

    Each is imported in a process of its own, which it may crash. The time of its import is
    without that of torch. Exit code 1 if one is broken.
    """
    if sys.stderr.isatty():
        click.echo("importing each plugin in a process of its own …", err=True)
    found = examine(distribution, timeout)
    ok = all(health.ok for health in found)
    if as_json:
        options.print_json({"schema": 1, "ok": ok, "plugins": [health.to_dict() for health in found]})
    else:
        for line in _lines(found, shutil.get_terminal_size().columns):
            click.echo(line)
    if not ok:
        click.get_current_context().exit(1)


def _lines(found: list[Health], width: int) -> Iterator[str]:
    cells = [COLUMNS, *map(_cells, found)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    yield _aligned(COLUMNS, widths)
    for health, row in zip(found, cells[1:], strict=True):
        yield _aligned(row, widths, COLOURS.get(health.status, "yellow"))
        for finding in health.findings:
            yield from _told(finding, width)
    yield ""
    yield from textwrap.wrap(_summary(found), width)


def _cells(health: Health) -> tuple[str, ...]:
    times = [_time(seconds) for seconds in (health.listing_seconds, health.import_seconds)]
    return (health.distribution, health.version, health.status, *times)


def _aligned(row: tuple[str, ...], widths: list[int], colour: str | None = None) -> str:
    """Return the cells in their columns, words to the left and times to the right; the status in its colour."""
    cells = (f"{cell:{side}{width}}" for cell, side, width in zip(row, "<<<>>", widths, strict=True))
    name, version, status, *times = cells
    return "  ".join([name, version, click.style(status, fg=colour), *times])


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _told(finding: Finding, width: int) -> Iterator[str]:
    colour = "red" if finding.problem == "broken" else "yellow"
    label = click.style(f"  {finding.problem:{LABEL - 2}}", fg=colour)
    for text, before in ((finding.what, label), (finding.fix, f"{'→ ':>{LABEL}}")):
        lines = textwrap.wrap(text, width - LABEL, break_long_words=False, break_on_hyphens=False)
        for index, line in enumerate(lines):
            yield (" " * LABEL if index else before) + line


def _summary(found: list[Health]) -> str:
    problems = Counter(finding.problem for health in found for finding in health.findings)
    told = ", ".join(f"{count} {problem}" for problem, count in problems.items()) or "all is well"
    return f"{len(found)} distribution{'s' if len(found) > 1 else ''}: {told}"
