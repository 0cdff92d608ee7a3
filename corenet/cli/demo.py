"""``corenet demo``: one experiment in a few seconds, from data to figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corenet.cli import options

if TYPE_CHECKING:
    from corenet.experiments import Outcome
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
    """Train a small network on the disk, verify every gradient, and draw what was learnt."""
    from corenet.experiments import experiment, run
    from corenet.report.experiment_table import draw
    from corenet.testing import prove_all

    device = options.device_for(device)
    options.prepare(out)
    drawing = options.can_draw()
    chosen = experiment(EXPERIMENT)
    if not as_json:
        click.echo(f"{chosen.title}\n{ROUNDS} networks, each on 1000 points of its own:", err=True)
    outcome = run(chosen, rounds=ROUNDS, seed=seed, device=device, progress=options.progress(as_json))
    figures = draw(outcome, out) if drawing else []
    proofs = prove_all(seed=seed)
    if as_json:
        options.print_json(_as_dict(outcome, proofs, figures))
    else:
        _show(outcome, proofs, figures)
    if not all(proof.ok for proof in proofs):
        click.get_current_context().exit(1)


def _show(outcome: Outcome, proofs: list[Proof], figures: list[Path]) -> None:
    from rich.console import Console

    from corenet.report.experiment_table import surface, table
    from corenet.report.plots.text_map import decision_map

    console = Console()
    console.print(table([outcome]))
    click.echo(decision_map(surface(outcome.rounds[0]), width=48))
    worst = max(proof.error for proof in proofs)
    click.echo(f"gradients checked: {len(proofs)} components, worst relative error {worst:.1e}")
    for proof in proofs:
        if not proof.ok:
            click.echo(f"wrong: {proof.name}, see corenet check {proof.name}")
    for figure in figures:
        click.echo(f"wrote {figure}")


def _as_dict(outcome: Outcome, proofs: list[Proof], figures: list[Path]) -> dict[str, object]:
    return {
        "schema": 1,
        "outcome": outcome.to_dict(),
        "gradients": [proof.to_dict() for proof in proofs],
        "figures": [str(figure) for figure in figures],
    }
