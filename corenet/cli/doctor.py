"""``corenet doctor``: every plugin, imported in a process of its own; what is wrong, and how to mend it."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterator

import click

from corenet.cli import options
from corenet.registry.doctor.examine import LIMIT, Health, examine
from corenet.registry.doctor.findings import Finding
from corenet.text_table import text_table
from corenet.text_width import wrap

COLUMNS = ("PLUGIN", "VERSION", "STATUS", "LISTED", "IMPORTED")
LABEL = 16
COLOURS = {"loaded": "green", "broken": "red"}


@click.command()
@click.argument("distribution", required=False, metavar="[DIST]")
@click.option(
    "--timeout",
    type=options.Seconds(0, min_open=True),
    default=LIMIT,
    show_default=True,
    metavar="SECONDS",
    help="How long the import of a plugin may take.",
)
@options.json
def command(distribution: str | None, timeout: float, as_json: bool) -> None:
    """Import every plugin, or that of DIST, and say what is wrong with it and how to mend it.

    Each is imported in a process of its own, which it may crash. The time of its import
    does not include torch. Exit code 1 if one is broken.
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
    heading, *rows = text_table(COLUMNS, map(_cells, found), right={3, 4})
    yield heading
    for health, row in zip(found, rows, strict=True):
        yield row
        for finding in health.findings:
            yield from _finding_lines(finding, width)
    yield ""
    yield from wrap(_summary(found), width)


def _cells(health: Health) -> tuple[str, ...]:
    times = [_time(seconds) for seconds in (health.listing_seconds, health.import_seconds)]
    status = click.style(health.status, fg=COLOURS.get(health.status, "yellow"))
    return (health.distribution, health.version, status, *times)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _finding_lines(finding: Finding, width: int) -> Iterator[str]:
    colour = "red" if finding.problem == "broken" else "yellow"
    label = click.style(f"  {finding.problem:{LABEL - 2}}", fg=colour)
    yield from wrap(finding.what, width, first=label, rest=" " * LABEL)
    yield from wrap(finding.fix, width, first=f"{'→ ':>{LABEL}}", rest=" " * LABEL)


def _summary(found: list[Health]) -> str:
    problems = Counter(finding.problem for health in found for finding in health.findings)
    counted = ", ".join(f"{count} {problem}" for problem, count in problems.items()) or "all is well"
    return f"{len(found)} distribution{'s' if len(found) > 1 else ''}: {counted}"
