"""``corenet demo``: one experiment in a few seconds, from data to figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corenet.cli import options
from corenet.errors import CorenetError

if TYPE_CHECKING:
    from corenet.experiments import ExperimentResult
    from corenet.testing import GradientReport

EXPERIMENT = "003b"
ROUNDS = 3
FOLDER = "corenet-demo"

Gradients = list[tuple[str, list["GradientReport"]]]  # of each component by name, a report for each of its cases


@click.command()
@options.seed
@options.device
@options.json
@options.out(FOLDER)
def command(seed: int, device: str, as_json: bool, out: Path) -> None:
    """Train a small network on the disk, verify every gradient, and draw what was learnt."""
    from corenet.experiments import experiment, run
    from corenet.report.plots.experiment_figures import draw_figures

    device = options.device_for(device)
    options.prepare(out)
    drawing = options.can_draw()
    chosen = experiment(EXPERIMENT)
    if not as_json:
        click.echo(f"{chosen.title}\n{ROUNDS} networks, each on 1000 points of its own:", err=True)
    result = run(chosen, rounds=ROUNDS, seed=seed, device=device, progress=options.progress(as_json))
    figures = draw_figures(result, out) if drawing else []
    gradients = _gradients(seed)
    if as_json:
        options.print_json(_as_dict(result, gradients, figures))
    else:
        _show(result, gradients, figures)
    if not all(_agree(reports) for _, reports in gradients):
        click.get_current_context().exit(1)


def _show(result: ExperimentResult, gradients: Gradients, figures: list[Path]) -> None:
    from corenet.report.experiment_table import experiment_table
    from corenet.report.plots.experiment_figures import surface_of
    from corenet.report.plots.text_map import decision_map

    click.echo("\n".join(["", *experiment_table([result]), ""]))
    click.echo(decision_map(surface_of(result.rounds[0]), width=48))
    worst = max(report.error for _, reports in gradients for report in reports)
    click.echo(f"gradients checked: {len(gradients)} components, worst relative error {worst:.1e}")
    for name, reports in gradients:
        if not _agree(reports):
            click.echo(f"wrong: {name}, see corenet check {name}")
    for figure in figures:
        click.echo(f"wrote {figure}")


def _as_dict(result: ExperimentResult, gradients: Gradients, figures: list[Path]) -> dict[str, object]:
    return {
        "schema": 1,
        "outcome": result.to_dict(),
        "gradients": [_described(name, reports) for name, reports in gradients],
        "figures": [str(figure) for figure in figures],
    }


def _described(name: str, reports: list[GradientReport]) -> dict[str, object]:
    from corenet.testing.gradcheck.report import finite_or_none

    error = finite_or_none(max((report.error for report in reports), default=0.0))
    return {"name": name, "ok": _agree(reports), "error": error, "cases": [report.to_dict() for report in reports]}


def _agree(reports: list[GradientReport]) -> bool:
    return bool(reports) and all(report.ok for report in reports)


def _gradients(seed: int) -> Gradients:
    """Check the gradient of every module and loss that can be built; one that crashes has no report."""
    from corenet.registry.registry import components, get
    from corenet.testing.support.guess import trials_of

    found: Gradients = []
    for row in components():
        if row.kind not in ("module", "loss") or not row.usable:
            continue
        try:
            trials = trials_of(get(row.kind, row.qualified_name), row.kind, seed)
            found.append((row.qualified_name, [trial.gradients for trial in trials]))
        except CorenetError:  # what cannot be built or loaded has no gradient to check
            continue
        except (Exception, SystemExit):  # noqa: BLE001 - a stranger's code may raise anything
            found.append((row.qualified_name, []))
    return found
