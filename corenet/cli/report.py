"""``corenet report``: the page of a run, or several runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.cli.no_plugins import no_plugins

if TYPE_CHECKING:
    from corenet.experiments.run_folder import RunFolder


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the page goes.  [default: report.html in the run; of several runs none]",
)
@no_plugins
@options.json
def command(runs: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Write the page of a run: data, network, curves, metrics, errors, columns that count, gradients.

    RUN is a folder that corenet train made. Several are shown side by side: what differs in their experiments, their
    metrics and seconds; --out writes that as a page too, with their curves. The page is one file that needs no other.

    \b
      corenet report runs/iris-1
      corenet report runs/iris-* --out iris.html
    """
    from corenet.experiments.run_folder import run_folder

    found = {str(path): run_folder(path) for path in runs}
    if len(found) == 1:
        _one(next(iter(found.values())), out, as_json)
    else:
        _several(found, out, as_json)


def _one(run: RunFolder, out: Path | None, as_json: bool) -> None:
    from corenet.experiments.run_folder import REPORT
    from corenet.files import write_text
    from corenet.report.run.page import page

    path = run.path / REPORT if out is None else out
    write_text(path, page(run.path))
    if as_json:
        options.print_json({"schema": 1, "run": str(run.path), "page": str(path), **run.results})
        return
    from corenet.report.results_table import results_table

    for line in results_table(run.results):
        echo(line)
    echo(f"page in {path}")


def _several(runs: dict[str, RunFolder], out: Path | None, as_json: bool) -> None:
    from corenet.files import write_text
    from corenet.report.run.comparison import Comparison, comparison_table
    from corenet.report.run.comparison_page import compared

    found = Comparison.of(_named(runs))
    if out is not None:
        write_text(out, compared(found))
    if as_json:
        options.print_json({"schema": 1, "page": None if out is None else str(out), "runs": found.to_list()})
        return
    click.echo("\n".join(comparison_table(found)))
    if out is not None:
        echo(f"page in {out}")


def _named(runs: dict[str, RunFolder]) -> dict[str, RunFolder]:
    """Return runs by the names of their folders, or by their paths where two have one name."""
    names = {path: Path(path).resolve().name for path in runs}
    return {names[path] if len(set(names.values())) == len(runs) else path: run for path, run in runs.items()}
