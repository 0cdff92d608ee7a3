"""``corenet check``: the proof of each component, by name."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corenet.cli import options
from corenet.errors import CorenetError, UnknownComponentError, did_you_mean
from corenet.registry.asking import reason_of
from corenet.registry.registry import get, registry
from corenet.registry.spec import KINDS, Component

if TYPE_CHECKING:
    from corenet.testing import Proof


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Check every component that is installed.")
@options.seed
@options.json
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Also write the result to DIR/check.json.")
def command(names: tuple[str, ...], every: bool, seed: int, as_json: bool, out: Path | None) -> None:
    """Prove the gradient of the components NAME against central differences in float64.

    NAME may be qualified by its distribution, corenet-swish:swish. An optimizer has no
    gradient; it must descend a quadratic. Exit code 1 if one fails.
    """
    if every == bool(names):
        raise click.UsageError("give names of components, or --all")
    if out is not None:
        options.prepare(out)
    rows = registry().components() if every else list(dict.fromkeys(row for name in names for row in _find(name)))
    results = [_check(row, seed) for row in rows]
    report = {"schema": 1, "ok": all(result["ok"] for result in results), "checks": results}
    if out is not None:
        from corenet.files import write_text

        write_text(out / "check.json", json.dumps(report, indent=1) + "\n")
    if as_json:
        options.print_json(report)
    else:
        _show(results)
    if not report["ok"]:
        click.get_current_context().exit(1)


def _find(name: str) -> list[Component]:
    """Return the component called ``name`` of each kind that has one."""
    found = []
    for kind in KINDS:
        with suppress(UnknownComponentError):
            found.append(registry().find(kind, name))
    if not found:
        meant = did_you_mean(name, registry().names(*KINDS))
        raise UnknownComponentError(
            f"there is no component {name!r}{meant}; corenet list-components shows all", name=name
        )
    return found


def _check(row: Component, seed: int) -> dict[str, Any]:
    result: dict[str, Any] = {"name": row.qualified_name, "kind": row.kind, "ok": False, "message": ""}
    try:
        if row.kind == "plugin":
            result["message"] = row.reason
        elif row.kind == "optimizer":
            result |= _check_optimizer(row)
        else:
            result |= _check_gradient(row, seed)
    except CorenetError as error:
        result["message"] = str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything, which fails its own check only
        result["message"] = reason_of(error)
    return result


def _check_optimizer(row: Component) -> dict[str, Any]:
    from corenet.testing.descent import descends

    wrong = descends(get("optimizer", row.qualified_name))
    return {"ok": wrong is None, "message": wrong or "descends a quadratic, together and apart alike"}


def _check_gradient(row: Component, seed: int) -> dict[str, Any]:
    from corenet.testing import prove

    cls: Any = registry().get(row.kind, row.qualified_name)
    proof: Proof = prove(cls, row.qualified_name, seed)
    message = f"{len(proof.reports)} cases, worst relative error {proof.error:.1e}"
    for report in proof.reports:
        if not report.ok:
            message += f"\n{report}"
    return {**proof.to_dict(), "message": message}


def _show(results: list[dict[str, Any]]) -> None:
    width = max((len(result["name"]) for result in results), default=0)
    for result in results:
        verdict = click.style("ok   ", fg="green") if result["ok"] else click.style("WRONG", fg="red")
        first, *rest = result["message"].split("\n")
        click.echo(f"{verdict}  {result['kind']:9}  {result['name']:{width}}  {first}")
        for line in rest:
            click.echo(f"       {line}")
