"""``corenet check``: the conformance kit on installed components, by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corenet.cli import options
from corenet.errors import BrokenComponentError, CorenetError, UnknownComponentError, did_you_mean
from corenet.registry.asking import reason_of
from corenet.registry.registry import registry
from corenet.registry.spec import KINDS, Component
from corenet.registry.text import canonical

if TYPE_CHECKING:
    from corenet.testing import Report


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Check every component that is installed.")
@options.seed
@options.json
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Also write the result to DIR/check.json.")
def command(names: tuple[str, ...], every: bool, seed: int, as_json: bool, out: Path | None) -> None:
    """Try every promise of its contract on each component NAME, its gradient first.

    NAME is a component, qualified by its distribution or not (swish, corenet-swish:swish),
    or a distribution, for all that it offers. Exit code 1 if a check fails.
    """
    if every == bool(names):
        raise click.UsageError("give names of components or distributions, or --all")
    if out is not None:
        options.prepare(out)
    rows = _all() if every else list(dict.fromkeys(row for name in names for row in _find(name)))
    results = [_check(row, seed, as_json) for row in rows]
    report = {"schema": 1, "ok": all(result["ok"] for result in results), "components": results}
    if out is not None:
        from corenet.files import write_text

        write_text(out / "check.json", json.dumps(report, indent=1) + "\n")
    if as_json:
        options.print_json(report)
    if not report["ok"]:
        click.get_current_context().exit(1)


def _all() -> list[Component]:
    """Return what there is to check: what may be used, and plugins only if they are broken."""
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


def _check(row: Component, seed: int, quiet: bool) -> dict[str, Any]:
    """Check one component and show what came of it at once, for each takes a second or two."""
    failures: list[str] = []
    try:
        report = _report(row, seed)
        failures = [str(each) for each in report.merged() if each.verdict == "failed"]
        result = report.to_dict() | {"message": report.summary}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything, which fails its own check only
        message = str(error) if isinstance(error, CorenetError) else reason_of(error)
        result = {"name": row.qualified_name, "kind": row.kind, "ok": False, "message": message, "checks": []}
    if not quiet:
        _show(result, failures)
    return result


def _report(row: Component, seed: int) -> Report:
    from corenet.testing import check_component

    if row.kind == "plugin":
        raise BrokenComponentError(row.reason)
    cls = registry().get(row.kind, row.qualified_name)
    return check_component(cls, row.kind, name=row.qualified_name, seed=seed)


def _show(result: dict[str, Any], failures: list[str]) -> None:
    verdict = click.style("ok   ", fg="green") if result["ok"] else click.style("WRONG", fg="red")
    click.echo(f"{verdict}  {result['kind']:9}  {result['name']}: {result['message']}")
    for line in "\n".join(failures).splitlines():
        click.echo(f"       {line}")
