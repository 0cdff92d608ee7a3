"""``corenet demo``: one experiment in a few seconds, from data to figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corenet.cli import options

if TYPE_CHECKING:
    from corenet.experiments import ExperimentResult
    from corenet.testing import Proof

EXPERIMENT = "003b"
ROUNDS = 3
FOLDER = "corenet-demo"


@click.command()
@options.seed
@options.device
@options.json
@options.out(FOLDER)
def command(seed: int, device: str, as_json: bool, out: Path) -> None:
    """Train a small network on the disk, prove every gradient, and draw what was learnt."""
    from corenet.experiments import experiment, run
    from corenet.report.plots.experiment_figures import draw_figures
    from corenet.testing import prove_all

    device = options.device_for(device)
    options.prepare(out)
    drawing = options.can_draw()
    chosen = experiment(EXPERIMENT)
    if not as_json:
        click.echo(f"{chosen.title}\n{ROUNDS} networks, each on 1000 points of its own:", err=True)
    result = run(chosen, rounds=ROUNDS, seed=seed, device=device, progress=options.progress(as_json))
    figures = draw_figures(result, out) if drawing else []
    proofs = prove_all(seed=seed)
    if as_json:
        options.print_json(_as_dict(result, proofs, figures))
    else:
        _show(result, proofs, figures)
    if not all(proof.ok for proof in proofs):
        click.get_current_context().exit(1)


def _show(result: ExperimentResult, proofs: list[Proof], figures: list[Path]) -> None:
    from corenet.report.experiment_table import experiment_table
    from corenet.report.plots.experiment_figures import surface_of
    from corenet.report.plots.text_map import decision_map

    click.echo("\n".join(["", *experiment_table([result]), ""]))
    click.echo(decision_map(surface_of(result.rounds[0]), width=48))
    worst = max(proof.error for proof in proofs)
    click.echo(f"gradients checked: {len(proofs)} components, worst relative error {worst:.1e}")
    for proof in proofs:
        if not proof.ok:
            click.echo(f"wrong: {proof.name}, see corenet check {proof.name}")
    for figure in figures:
        click.echo(f"wrote {figure}")


def _as_dict(result: ExperimentResult, proofs: list[Proof], figures: list[Path]) -> dict[str, object]:
    return {
        "schema": 1,
        "outcome": result.to_dict(),
        "gradients": [proof.to_dict() for proof in proofs],
        "figures": [str(figure) for figure in figures],
    }
