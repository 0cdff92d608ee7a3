"""``corenet check``: the conformance kit on installed components, by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import click

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.cli.isolated_check import Result, check, check_apart, unusable
from corenet.cli.no_plugins import no_plugins
from corenet.errors import UnknownComponentError, did_you_mean
from corenet.registry.distributions import BUILTIN
from corenet.registry.registry import registry
from corenet.registry.sanitize import canonical
from corenet.registry.spec import KINDS, Component

INDENT = 7  # the width of a verdict, and two


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Check every component that is installed.")
@no_plugins
@options.seed
@options.json
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Also write the result to DIR/check.json.")
def command(names: tuple[str, ...], every: bool, seed: int, as_json: bool, out: Path | None) -> None:
    """Check the gradient of each component NAME, and every other promise of its contract.

    NAME is a component, qualified by its distribution or not (swish, corenet-swish:swish),
    or a distribution, for all that it offers. Those of a plugin are checked in a process of their own,
    which they may crash. Exit code 1 if a check fails, or a component cannot be used.
    """
    if every == bool(names):
        raise click.UsageError("give names of components or distributions, or --all, not both")
    if out is not None:
        options.prepare(out)
    rows = _all() if every else list(dict.fromkeys(row for name in names for row in _find(name)))
    results = []
    for result, failures in _checked(rows, seed):
        results.append(result)
        if not as_json:
            _show(result, failures)  # at once, since each takes a second or two
    report = {"schema": 1, "ok": all(result["ok"] for result in results), "components": results}
    if out is not None:
        from corenet.files import write_text

        write_text(out / "check.json", json.dumps(report, indent=1) + "\n")
    if as_json:
        options.print_json(report)
    if not report["ok"]:
        click.get_current_context().exit(1)


def _all() -> list[Component]:
    """Return what there is to check: usable components, and the rows of broken plugins."""
    rows = (row for row in registry().components() if row.usable)
    return [row for row in rows if row.kind != "plugin" or row.status == "broken"]


def _find(name: str) -> list[Component]:
    """Return the components called ``name``, of each kind that has one, and those of a distribution of that name."""
    found = [row for row in registry().components() if row.distribution == canonical(name)]
    found += registry().find_all(name)
    if not found:
        known = registry().names(*KINDS) | {row.distribution for row in registry().plugins()}
        raise UnknownComponentError(
            f"there is no component or distribution {name!r}{did_you_mean(name, known)}; "
            "corenet list-components shows all",
            name=name,
        )
    return found


def _checked(rows: list[Component], seed: int) -> Iterator[tuple[Result, list[str]]]:
    """Check built-in components in this process, and those of each plugin in a process of its own."""
    for distribution, group in groupby(rows, attrgetter("distribution")):
        found = list(group)
        unchecked = [row for row in found if row.kind == "plugin" or not row.usable]
        usable = [row for row in found if row not in unchecked]
        yield from (unusable(row) for row in unchecked)
        yield from (check(row, seed) for row in usable) if distribution == BUILTIN else check_apart(usable, seed)


def _show(result: Result, failures: list[str]) -> None:
    verdict = click.style("ok   ", fg="green") if result["ok"] else click.style("WRONG", fg="red")
    echo(f"{verdict}  {result['kind']:9}  {result['name']}: {result['message']}", indent=INDENT)
    for line in "\n".join(failures).splitlines():
        echo(" " * INDENT + line, indent=INDENT + 4)
